#!/bin/sh
# Installs Remus below ${DESTDIR}: install.sh XEN_CORE PROGRAM...
# SPDX-License-Identifier: Apache-2.0
#
# What is already configured on the host is not touched: configuration files of ours are put where packages put theirs.
set -eu
cd "$(dirname "$0")/.."
root=${DESTDIR:-}

put() { # MODE FOLDER FILE [NAME]
	install -D -m "$1" "$3" "$root$2/${4:-$(basename "$3")}"
}

put 0755 /boot "$1"
shift
for program in "$@"; do
	put 0755 /usr/sbin "$program"
done
put 0755 /usr/sbin toolstack/host/remus-ca
put 0644 /lib/systemd/system toolstack/host/remusd.service
put 0644 /usr/lib/modprobe.d toolstack/host/remus-backends.conf
put 0644 /usr/lib/modules-load.d toolstack/host/remus-modules.conf remus.conf
put 0755 /etc/grub.d toolstack/host/grub-xen-core 19_xen-core
put 0644 /usr/share/bash-completion/completions toolstack/host/completion/remusctl
put 0644 /usr/share/man/man8 toolstack/host/man/remusctl.8
for page in docs/*.md README.md; do
	put 0644 /usr/share/doc/remus "$page"
done
put 0644 /usr/share/doc/remus/examples toolstack/host/remus.conf
for example in toolstack/host/corosync-*.conf; do
	put 0644 /usr/share/doc/remus/examples "$example"
done
install -d -m 0700 "$root/etc/remus/tls" "$root/var/lib/remus"
[ -n "$root" ] || echo "installed; now: update-grub && systemctl daemon-reload && systemctl enable remusd"
