# Writes the command braid to FILE:  launcher.sh LUADIR LIBDIR FILE
# It knows where it was put, so that it also works through a symbolic link.
set -eu
sed -e "s|@LUADIR@|$1|" -e "s|@LIBDIR@|$2|" lua/braid/cli/launcher.lua >"$3"
chmod 755 "$3"
