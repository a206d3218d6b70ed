rockspec_format = "3.0"
package = "braid"
version = "scm-1"

-- There is no published address yet: run `luarocks make rocks/braid-scm-1.rockspec` in a checkout.
source = {url = "git+file://."}

description = {
  summary = "Networks that learn several tasks at once",
  detailed = [[
    A neural network framework made for multi-task networks: a C core with automatic
    differentiation, convolutions and data loading, and layers, columns, mixers, task weighting
    and a trainer in Lua. Needs OpenBLAS, libpng, libjpeg-turbo and zlib.]],
  license = "MIT",
}

dependencies = {"lua ~> 5.4"}

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
  },
}
