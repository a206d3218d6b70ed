-- The rock of a checkout: `luarocks make rocks/braid-scm-1.rockspec`. `make dist` makes the rockspec
-- of a version from this one: rocks/dist.sh puts the version and the tarball in.
rockspec_format = "3.0"
package = "braid"
version = "scm-1"
source = {url = "git+file://."}

description = {
  summary = "Networks that learn several tasks at once",
  detailed = [[
    A neural network framework made for multi-task networks: a C core with automatic
    differentiation, convolutions and data loading, and layers, columns, mixers, task weighting
    and a trainer in Lua.]],
  license = "MIT",
}

dependencies = {"lua ~> 5.4"}

-- The Makefile asks pkg-config for OpenBLAS too, which some systems keep outside the directories
-- where luarocks would look. The reader of AFLW's database calls the command sqlite3.
external_dependencies = {
  PNG = {header = "png.h"},
  TURBOJPEG = {header = "turbojpeg.h"},
  ZLIB = {header = "zlib.h"},
}

supported_platforms = {"linux"}

-- The Makefile would install missing packages of the system; a rock must not.
build = {
  type = "make",
  build_target = "build",
  build_variables = {DEPS = "no"},
  install_variables = {
    DEPS = "no",
    LUADIR = "$(LUADIR)",
    LIBDIR = "$(LIBDIR)",
    BINDIR = "$(BINDIR)",
    SHAREDIR = "$(PREFIX)/share",
  },
}
