# The image of Stockroom: the program, the C library that it was linked with, and the certificates
# that it trusts. There is no shell in it and no other program. README.md says how to run it.

FROM rust:1.95-bookworm AS build
WORKDIR /build

# The dependencies in a layer of their own, which changes when a manifest does. They are built for a
# program that is empty.
COPY Cargo.toml Cargo.lock ./
COPY bench/Cargo.toml bench/
COPY entity/Cargo.toml entity/
COPY migration/Cargo.toml migration/
# The names of functions are a sixth of the program. Panics tell their file and line without them.
ENV CARGO_PROFILE_RELEASE_STRIP=symbols
# The benchmark is a member of the workspace: cargo wants to see it, and does not build it.
RUN mkdir -p src bench/src entity/src migration/src \
    && echo 'fn main() {}' >src/main.rs \
    && cp src/main.rs bench/src/ \
    && touch src/lib.rs entity/src/lib.rs migration/src/lib.rs \
    && cargo build --release --locked --bin stockroom

COPY entity/src entity/src
COPY migration/src migration/src
COPY src src
COPY web/dist web/dist
# Cargo goes by the times of files: the real ones may be older than the empty ones were.
RUN find src entity/src migration/src -name '*.rs' -exec touch {} + \
    && cargo build --release --locked --bin stockroom

# The image's file system: the program, the loader and libraries that it names, the certificates, and
# which packages they are from, for scanners. Apart from it the folder of the volume, which the
# program's user owns.
SHELL ["/bin/bash", "-o", "pipefail", "-c"]
RUN mkdir -p /image/usr/local/bin /image/etc /image/var/lib/dpkg \
    && cp target/release/stockroom /image/usr/local/bin/ \
    && ldd target/release/stockroom | grep -o '/[^ ]*' \
        | xargs cp --parents --dereference --target-directory=/image \
    && cp --parents --dereference --target-directory=/image /etc/os-release \
        /etc/ssl/certs/ca-certificates.crt /usr/share/doc/libc6/copyright \
        /usr/share/doc/libgcc-s1/copyright /usr/share/doc/ca-certificates/copyright \
    && dpkg --status libc6 libgcc-s1 ca-certificates >/image/var/lib/dpkg/status \
    && echo 'hosts: files dns' >/image/etc/nsswitch.conf \
    && echo 'stockroom:x:65532:65532::/data:/sbin/nologin' >/image/etc/passwd \
    && echo 'stockroom:x:65532:' >/image/etc/group \
    && mkdir -m 1777 /image/tmp \
    && mkdir /volume && mkdir -m 700 /volume/data

# distroless/cc would do as well, but for 20 MB that nothing here reads: OpenSSL, libstdc++ and tables
# of character sets.
FROM scratch
ARG VERSION=0.1.0
LABEL org.opencontainers.image.title="Stockroom" \
      org.opencontainers.image.description="One GraphQL server for a shop: products, live stock, carts, orders and payments" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}"
COPY --from=build /image /
COPY --from=build --chown=65532:65532 /volume/data /data
ENV LISTEN_ADDR=0.0.0.0:8000 \
    DATA_DIR=/data
USER 65532:65532
VOLUME ["/data"]
# Requests; figures for Prometheus, where METRICS_LISTEN_ADDR=0.0.0.0:9464.
EXPOSE 8000 9464
# Ends in good order within 25 seconds: give it 30 before it is killed.
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=5s --timeout=5s --start-period=60s --retries=3 \
    CMD ["/usr/local/bin/stockroom", "health"]
ENTRYPOINT ["/usr/local/bin/stockroom"]
CMD ["serve"]
