#!/bin/sh
# Writes a Debian trixie root file system to standard output as a tar stream (mmdebstrap chooses the mirror).
# The image that Docker's own library calls debian:trixie-slim is made in the same spirit.
set -eu

hook() {
    # $1 is the root. Backports come from the mirror that mmdebstrap chose; no host is named here.
    cat <<'HOOK'
set -eu
root=$1
sed -n 's/^\(deb .*\) trixie main$/\1 trixie-backports main/p' "$root/etc/apt/sources.list" >> "$root/etc/apt/sources.list"
cat > "$root/etc/apt/apt.conf.d/90fitmap" <<'APT'
// Mirror snapshots expire; packages and lists are of no use in a layer; the network may hiccup.
Acquire::Check-Valid-Until "false";
Acquire::Retries "3";
Acquire::Languages "none";
APT::Install-Suggests "false";
Dir::Cache::pkgcache "";
Dir::Cache::srcpkgcache "";
DPkg::Post-Invoke { "rm -f /var/cache/apt/archives/*.deb /var/cache/apt/archives/partial/*.deb || true"; };
APT
# OpenJDK's postinst writes a man page link.
mkdir -p "$root/usr/share/man/man1"
mkdir -p "$root/usr/local/share/ca-certificates"
for certificate in /usr/local/share/ca-certificates/*.crt; do
    [ -e "$certificate" ] && cp "$certificate" "$root/usr/local/share/ca-certificates/"
done
chroot "$root" update-ca-certificates >&2
# mmdebstrap empties the cache by apt itself, which leaves what the configuration above says is not there.
rm -f "$root"/var/cache/apt/*.bin "$root/etc/resolv.conf" "$root/etc/hostname"
HOOK
}

script=$(mktemp)
trap 'rm -f "$script"' EXIT
hook > "$script"
mmdebstrap --variant=apt --include=ca-certificates \
    --aptopt='Acquire::Check-Valid-Until "false"' --aptopt='Acquire::Retries "3"' \
    --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/locale/*' \
    --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-include=/usr/share/doc/*/copyright' \
    --customize-hook="sh $script \"\$1\"" \
    trixie -
