# Installs the core CORE, the modules, the models, the command, its completions, its man page, the
# stubs for editors and braid.pc for pkg-config; with --remove, removes them:
#
#   LUADIR=.. LIBDIR=.. BINDIR=.. SHAREDIR=.. DESTDIR=.. LUA=.. sh rocks/install.sh CORE | --remove
set -eu

lua=$DESTDIR${LUADIR:?}/braid lib=$DESTDIR${LIBDIR:?}/braid command=$DESTDIR${BINDIR:?}/braid
share=$DESTDIR${SHAREDIR:?}
bash=$share/bash-completion/completions/braid zsh=$share/zsh/site-functions/_braid
fish=$share/fish/vendor_completions.d/braid.fish man=$share/man/man1/braid.1
pc=$share/pkgconfig/braid.pc

if [ "$1" = --remove ]; then
  rm -rf "$lua" "$lib" "$share/braid"
  rm -f "$command" "$bash" "$zsh" "$fish" "$man" "$pc"
  exit 0
fi

# Copies the Lua files below directory $1 to $2.
copy_lua() {
  (cd "$1" && find . -name '*.lua' -exec install -D -m 644 {} "$2/{}" ';')
}

install -d "$DESTDIR$BINDIR"
copy_lua lua/braid "$lua"
install -m 644 lua/braid/jupyter/kernel.py "$lua/jupyter/kernel.py"
install -m 644 lua/braid/serve/page.html "$lua/serve/page.html"
copy_lua models "$lua/models"
copy_lua examples/papers "$lua/experiments"
install -D -m 755 "$1" "$lib/core.so"

# The command that was built writes them from its table of commands.
built=${1%/lib/braid/core.so}/braid
for kind in bash zsh fish man; do
  eval file=\$$kind
  install -d "${file%/*}"
  "${LUA:-lua5.4}" "$built" completion $kind >"$file"
  chmod 644 "$file"
done

install -d "$share/braid"
"${LUA:-lua5.4}" "$built" library "$share/braid/library" >/dev/null
chmod -R a+rX "$share/braid"

# Programs that embed Braid are told where it is: examples/embed/predict.c.
install -d "${pc%/*}"
cat >"$pc" <<END
luadir=$LUADIR
libdir=$LIBDIR

Name: braid
Description: Neural networks that learn several tasks, for Lua 5.4
Version: $("${LUA:-lua5.4}" -e 'print(dofile("lua/braid/version.lua"))')
Requires: lua5.4
Cflags: -DBRAID_LUADIR=\\"\${luadir}\\" -DBRAID_LIBDIR=\\"\${libdir}\\"
END
chmod 644 "$pc"

sh rocks/launcher.sh "$LUADIR" "$LIBDIR" "$command"
echo "installed $command, $lua and $lib"

# Lua finds modules in places of its own; programs that it runs elsewhere must name these.
if [ -z "$DESTDIR" ] && ! (cd / && "${LUA:-lua5.4}" -e 'require "braid"') 2>/dev/null; then
  echo "$command finds them. For require \"braid\" in other programs:"
  echo "  export LUA_PATH='$LUADIR/?.lua;$LUADIR/?/init.lua;;' LUA_CPATH='$LIBDIR/?.so;;'"
fi
