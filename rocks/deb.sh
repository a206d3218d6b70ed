# Makes braid_VERSION-1_ARCH.deb in DIRECTORY of a core that is built: deb.sh CORE DIRECTORY
# It needs dpkg-dev alone. The dates are the changelog's, so the same build gives the same bytes.
set -eu

core=$1 out=$2
for tool in dpkg-deb dpkg-shlibdeps dpkg-architecture strip; do
  command -v "$tool" >/dev/null || { echo "make deb: apt-get install dpkg-dev" >&2; exit 1; }
done
version=$(sed -n 's/^return "\(.*\)"$/\1/p' lua/braid/version.lua)
date=$(sed -n "s/^## \[$version\] - //p" CHANGELOG.md)
if [ -z "$date" ]; then
  echo "make deb: CHANGELOG.md has no date for version $version" >&2
  exit 1
fi
arch=$(dpkg-architecture -qDEB_HOST_ARCH) triplet=$(dpkg-architecture -qDEB_HOST_MULTIARCH)
maintainer="${DEBFULLNAME:-The Braid authors} <${DEBEMAIL:-maintainers@braid.invalid}>"
SOURCE_DATE_EPOCH=$(date -u -d "$date" +%s)
export SOURCE_DATE_EPOCH

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
root=$work/root
umask 022
LUADIR=/usr/share/lua/5.4 LIBDIR=/usr/lib/$triplet/lua/5.4 BINDIR=/usr/bin SHAREDIR=/usr/share \
  DESTDIR=$root sh rocks/install.sh "$core" >/dev/null

# Debian has its own places and forms for some files.
installed=$root/usr/lib/$triplet/lua/5.4/braid/core.so
strip --strip-unneeded --remove-section=.comment --remove-section=.note "$installed"
chmod 644 "$installed"
sed -i '1s|^#!.*|#!/usr/bin/lua5.4|' "$root/usr/bin/braid"
mkdir -p "$root/usr/share/zsh/vendor-completions"
mv "$root/usr/share/zsh/site-functions/_braid" "$root/usr/share/zsh/vendor-completions/"
rmdir "$root/usr/share/zsh/site-functions"
rm "$root/usr/share/lua/5.4/braid/cli/launcher.lua" # of which /usr/bin/braid was made
gzip -9n "$root/usr/share/man/man1/braid.1"
mv "$root/usr/share/pkgconfig" "$root/usr/lib/$triplet/" # it names a directory of the architecture

doc=$root/usr/share/doc/braid
mkdir -p "$doc"
gzip -9nc CHANGELOG.md >"$doc/changelog.gz"
sed -n 's/^## \[\([0-9.]*\)\] - /\1 /p' CHANGELOG.md | while read -r number day; do
  printf 'braid (%s-1) stable; urgency=medium\n\n  * Version %s: see changelog.gz.\n\n' \
    "$number" "$number"
  printf ' -- %s  %s\n\n' "$maintainer" "$(LC_ALL=C date -u -R -d "$day")"
done | gzip -9n >"$doc/changelog.Debian.gz"
{
  echo "Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/"
  echo "Upstream-Name: braid"
  echo
  echo "Files: *"
  sed -n 's/^Copyright (c) /Copyright: /p' LICENSE
  echo "License: Expat"
  sed -e '1,/^Copyright/d' -e '/./!s/.*/./' -e 's/^/ /' LICENSE | sed '1d'
} >"$doc/copyright"

# dpkg-shlibdeps wants the source package's debian/control.
mkdir -p "$work/debian" "$root/DEBIAN"
printf 'Source: braid\n\nPackage: braid\nArchitecture: any\n' >"$work/debian/control"
libraries=$(cd "$work" && dpkg-shlibdeps -O "$installed" | sed -n 's/^shlibs:Depends=//p')
cat >"$root/DEBIAN/control" <<END
Package: braid
Version: $version-1
Architecture: $arch
Maintainer: $maintainer
Installed-Size: $(du -k -s --apparent-size "$root/usr" | cut -f1)
Depends: lua5.4, libopenblas0-openmp | libopenblas0, $libraries
Recommends: sqlite3
Suggests: bash-completion, python3-ipykernel
Section: science
Priority: optional
Description: neural networks that learn several tasks at once
 Braid is a neural network framework made for multi-task networks: a C core
 with automatic differentiation, convolutions and data loading, and layers,
 columns, mixers, task weighting and a trainer in Lua.
 .
 This package holds the command braid, the Lua module of the same name, and
 published multi-task networks as short scripts.
END
(cd "$root" && find usr -type f -printf '%P\0' | LC_ALL=C sort -z |
  sed -z 's|^|usr/|' | xargs -0 md5sum >DEBIAN/md5sums)
find "$root" -newermt "@$SOURCE_DATE_EPOCH" -exec touch -h -d "@$SOURCE_DATE_EPOCH" {} +

mkdir -p "$out"
deb=$out/braid_$version-1_$arch.deb
dpkg-deb --root-owner-group -Zxz --build "$root" "$deb" >/dev/null
echo "wrote $deb; it is installed by"
echo "  apt install ./${deb##*/}"
