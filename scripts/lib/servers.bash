# shellcheck shell=bash
# shellcheck disable=SC2154 # $work, $postgres_bin, $stripe_python and $quiet belong to scripts/test
# Starts PostgreSQL, Redis, localstripe and Stockroom for the tests, on free loopback ports, and stops them.

# Process ids are kept in files: steps run in subshells.
remember() { printf '%s\n' "$2" >"$work/pids/$1"; }

# Whether a process runs. One that has ended but was not collected by its parent does not.
is_alive() {
  kill -0 "$1" 2>/dev/null && ! grep -qs '^State:[[:space:]]*Z' "/proc/$1/status"
}

# stop NAME SIGNAL: ends what was started under this name; waits, then insists.
stop() {
  local pid tries=0
  [ -f "$work/pids/$1" ] || return 0
  pid=$(cat "$work/pids/$1")
  rm -f "$work/pids/$1"
  kill "-$2" "$pid" 2>/dev/null || return 0
  while is_alive "$pid"; do
    tries=$((tries + 1))
    if [ "$tries" -gt 100 ]; then
      kill -KILL "$pid" 2>/dev/null
      return 0
    fi
    sleep 0.1
  done
}

stop_databases() {
  # INT is PostgreSQL's fast shutdown: sessions are cut, nothing is waited for.
  stop postgres INT
  stop redis TERM
}

stop_all() {
  stop server TERM
  stop stripe TERM
  stop_databases
}

# The last lines of a server's log, when something went wrong.
show_log() {
  [ -s "$work/$1.log" ] || return 0
  printf -- '-- the last lines of %s:\n' "$1"
  tail -n 30 "$work/$1.log" | sed "s|$work|…|g; s/^/   /"
}

is_listening() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# A port that nothing listens on, below the range that outgoing connections take theirs from.
free_port() {
  local port
  while :; do
    port=$((20000 + RANDOM % 12000))
    is_listening "$port" || break
  done
  printf '%s\n' "$port"
}

# wait_for SECONDS PID COMMAND…: until the command succeeds or the process is gone.
wait_for() {
  local deadline=$(($(date +%s) + $1)) pid=$2
  shift 2
  until "$@" >/dev/null 2>&1; do
    is_alive "$pid" || return 1
    [ "$(date +%s)" -lt "$deadline" ] || return 1
    sleep 0.1
  done
}

secret() { LC_ALL=C tr -dc 'a-zA-Z0-9' </dev/urandom 2>/dev/null | head -c 24; }

# PostgreSQL refuses to run as root: then another user runs it.
as_postgres() {
  local user
  if [ "$(id -u)" != 0 ]; then
    "$@"
    return
  fi
  user=$(id -un postgres 2>/dev/null || id -un nobody) || return 1
  if have setpriv; then
    setpriv --reuid "$user" --regid "$(id -g "$user")" --clear-groups "$@"
  elif have runuser; then
    runuser -u "$user" -- "$@"
  else
    # shellcheck disable=SC2016 # expanded by the inner shell
    su -s /bin/sh "$user" -c 'exec "$0" "$@"' -- "$@"
  fi
}

postgres_locale() {
  local name
  for name in C.UTF-8 C.utf8 en_US.UTF-8; do
    if locale -a 2>/dev/null | grep -qx "$name"; then
      printf '%s\n' "$name"
      return
    fi
  done
  printf 'C\n'
}

# No durability: the data is gone in an hour. Many connections: hundreds of tests, pools each.
postgres_settings='-c max_connections=300 -c shared_buffers=256MB -c fsync=off
  -c synchronous_commit=off -c full_page_writes=off -c max_wal_size=2GB -c checkpoint_timeout=1h'

start_postgres() {
  local home="$work/postgres" port password user attempt
  mkdir "$home" || return 1
  password=$(secret)
  printf '%s\n' "$password" >"$home/password"
  if [ "$(id -u)" = 0 ]; then
    user=$(id -un postgres 2>/dev/null || id -un nobody) || return 1
    chown -R "$user" "$home"
  fi
  chmod 700 "$home"
  # Through the folder: the user who runs it may not be able to enter this one.
  cd "$work" || return 1
  as_postgres "$postgres_bin/initdb" --pgdata "$home/data" --username postgres --encoding UTF8 \
    --locale "$(postgres_locale)" --auth scram-sha-256 --pwfile "$home/password" --no-sync \
    >"$work/postgres.log" 2>&1 || { show_log postgres; return 1; }
  for attempt in 1 2 3; do
    port=$(free_port)
    as_postgres "$postgres_bin/pg_ctl" start --silent --wait --timeout 60 --pgdata "$home/data" \
      --log "$home/log" --options "-c listen_addresses=127.0.0.1 -c port=$port \
        -c unix_socket_directories='' ${postgres_settings//$'\n'/ }" >/dev/null 2>&1 && break
    cp "$home/log" "$work/postgres.log" 2>/dev/null
    [ "$attempt" -lt 3 ] || { show_log postgres; return 1; }
  done
  remember postgres "$(head -n 1 "$home/data/postmaster.pid")"
  printf 'postgres://postgres:%s@127.0.0.1:%s/postgres\n' "$password" "$port" >"$work/postgres.url"
  say "PostgreSQL listens on port $port"
}

start_redis() {
  local port attempt
  mkdir "$work/redis" || return 1
  for attempt in 1 2 3; do
    port=$(free_port)
    redis-server --bind 127.0.0.1 --port "$port" --dir "$work/redis" --save '' --appendonly no \
      --daemonize no >"$work/redis.log" 2>&1 &
    remember redis $!
    wait_for 10 $! is_listening "$port" && break
    [ "$attempt" -lt 3 ] || { show_log redis; return 1; }
  done
  printf 'redis://127.0.0.1:%s\n' "$port" >"$work/redis.url"
  say "Redis listens on port $port"
}

# The server that stands in for Stripe; it keeps nothing.
start_stripe() {
  local port attempt
  for attempt in 1 2 3; do
    port=$(free_port)
    "$stripe_python" -B scripts/lib/stripe_server.py "$port" >"$work/stripe.log" 2>&1 &
    remember stripe $!
    wait_for 30 $! is_listening "$port" && break
    [ "$attempt" -lt 3 ] || { show_log stripe; return 1; }
  done
  printf 'http://127.0.0.1:%s\n' "$port" >"$work/stripe.url"
  say "localstripe listens on port $port"
}

start_databases() {
  # Passwords are for this user alone.
  umask 077
  (start_postgres) && start_redis
}

# get_ok PORT PATH: whether the server answers 200; without curl, which may not be there.
get_ok() (
  exec 3<>"/dev/tcp/127.0.0.1/$1" || exit 1
  printf 'GET %s HTTP/1.1\r\nHost: 127.0.0.1:%s\r\nConnection: close\r\n\r\n' "$2" "$1" >&3
  read -r -t 5 _ status _ <&3
  [ "$status" = 200 ]
)

# The program as its first user starts it: the first command of the README, with no settings but where
# to listen and where to keep data.
start_server() {
  local port program folder manifest=$PWD/Cargo.toml
  # Before it is started, so that a build may take as long as it takes and a start may not.
  cargo build ${quiet:+"$quiet"} --release --bin stockroom || return 1
  folder=$(cargo metadata --format-version 1 --no-deps |
    sed -n 's/.*"target_directory":"\([^"]*\)".*/\1/p')
  program="$folder/release/stockroom"
  port=$(free_port)
  umask 077
  mkdir "$work/server" || return 1
  # Away from here, so that a developer's .env and settings do not reach the server under test.
  cd "$work/server" || return 1
  unset DATABASE_URL REDIS_URL JWT_SIGNING_KEY ENVIRONMENT GRAPHIQL_ENABLED SEED_DEMO LOG_FORMAT
  export DATA_DIR="$work/server/data" LISTEN_ADDR="127.0.0.1:$port" LOG_LEVEL=info
  cargo run --release --quiet --manifest-path "$manifest" >"$work/server.log" 2>&1 &
  remember server $!
  wait_for 60 $! get_ok "$port" /health/ready || { show_log server; return 1; }
  printf 'http://127.0.0.1:%s\n' "$port" >"$work/server.url"
  printf '%s\n' "$program" >"$work/server.program"
  printf 'tests@example.com\n' >"$work/admin.email"
  secret >"$work/admin.password"
  "$program" admin create --email "$(cat "$work/admin.email")" \
    --password "$(cat "$work/admin.password")" >"$work/admin.log" 2>&1 ||
    { show_log admin; return 1; }
  say "Stockroom listens on port $port"
}
