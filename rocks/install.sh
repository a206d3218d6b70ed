# Installs the core CORE, the modules, the models and the command; with --remove, removes them:
#
#   LUADIR=.. LIBDIR=.. BINDIR=.. DESTDIR=.. sh rocks/install.sh CORE | --remove
set -eu

lua=$DESTDIR${LUADIR:?}/braid lib=$DESTDIR${LIBDIR:?}/braid command=$DESTDIR${BINDIR:?}/braid

if [ "$1" = --remove ]; then
  rm -rf "$lua" "$lib"
  rm -f "$command"
  exit 0
fi

# Copies the Lua files below directory $1 to $2.
copy_lua() {
  (cd "$1" && find . -name '*.lua' -exec install -D -m 644 {} "$2/{}" ';')
}

install -d "$DESTDIR$BINDIR"
copy_lua lua/braid "$lua"
copy_lua models "$lua/models"
copy_lua examples/papers "$lua/experiments"
install -D -m 755 "$1" "$lib/core.so"
sh rocks/launcher.sh "$LUADIR" "$LIBDIR" "$command"
echo "installed $command, $lua and $lib"
