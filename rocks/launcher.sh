# Writes the command braid to FILE: launcher.sh LUADIR LIBDIR FILE
# The directories are written into it, so it also works through a symbolic link.
set -eu
sed -e "s|@LUADIR@|$1|" -e "s|@LIBDIR@|$2|" lua/braid/cli/launcher.lua >"$3"
chmod 755 "$3"
