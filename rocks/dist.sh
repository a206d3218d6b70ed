# Makes braid-VERSION.tar.gz of the committed tree, and its rockspec, in DIRECTORY: dist.sh
# DIRECTORY
# The same commit always gives the same bytes.
set -eu

if ! git rev-parse --verify --quiet HEAD >/dev/null 2>&1; then
  echo "make dist: this is not a git checkout, from which a tarball is made" >&2
  exit 1
fi
version=$(git show HEAD:lua/braid/version.lua | sed -n 's/^return "\(.*\)"$/\1/p')
name=braid-${version:?lua/braid/version.lua has no line: return \"...\"}
if [ -n "$(git status --porcelain)" ]; then
  echo "make dist: the tarball holds what is committed; these changes are not:" >&2
  git status --short >&2
fi

mkdir -p "$1"
git -c tar.umask=0022 archive --format=tar --prefix="$name/" HEAD | gzip -9n >"$1/$name.tar.gz"
git show HEAD:rocks/braid-scm-1.rockspec |
  sed -e '/^--.*\(checkout\|rocks.dist\)/d' \
      -e "s|^version = .*|version = \"$version-1\"|" \
      -e "s|^source = .*|source = {url = \"file://$name.tar.gz\", dir = \"$name\"}|" \
      >"$1/$name-1.rockspec"
echo "wrote $1/$name.tar.gz and $1/$name-1.rockspec; beside each other, they are installed by"
echo "  luarocks --lua-version=5.4 install $name-1.rockspec"
