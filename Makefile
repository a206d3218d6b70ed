# Braid: `make demo` and `make test` install what is missing, build, and run.
#   DEPS=no     install nothing
#   DATA=dir    demo: train on real photographs (MTFL) instead of rendered faces
#   PREFIX=dir  where `make install` puts things (default /usr/local); DESTDIR is honoured

CC      = gcc
BUILD   = build
PREFIX  = /usr/local
LUA     = lua5.4
DEPS    = yes
DATA    =
ARGS    =

# ---- what is built from what ---------------------------------------------------------------

PKGS      = lua5.4 openblas libpng libturbojpeg zlib
WARN      = -Wall -Wextra -Wno-missing-field-initializers -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wdouble-promotion \
            -Wpointer-arith -Wcast-qual -Wwrite-strings -Wundef -Wvla -Werror
MATH      = -fno-math-errno -fno-trapping-math -ffp-contract=fast
OPT       = -O3
EXTRA     =
CPPFLAGS  = -Icsrc $(shell pkg-config --cflags $(PKGS) 2>/dev/null)
CFLAGS    = -std=c11 -D_DEFAULT_SOURCE -fPIC -fvisibility=hidden -fopenmp-simd $(OPT) $(WARN) $(MATH) $(EXTRA)
LDFLAGS   = -shared -Wl,-z,nodelete -fopenmp $(EXTRA)
LDLIBS    = $(shell pkg-config --libs openblas libpng libturbojpeg zlib 2>/dev/null) -lpthread -lm

ARCH     := $(shell uname -m)
ISAS      = base $(if $(filter x86_64,$(ARCH)),avx2 avx512)
isa_base   =
isa_avx2   = -mavx2 -mfma
isa_avx512 = -mavx512f -mavx512bw -mavx512dq -mavx512vl -mfma -mprefer-vector-width=512
TYPES     = f32 f64 i64 i32 u8 b8

SOURCES   = $(filter-out csrc/kernel/kernels.c,$(wildcard csrc/*/*.c))
KERNELS   = $(foreach i,$(ISAS),$(foreach t,$(TYPES),$(BUILD)/obj/kernel/kernels.$(i).$(t).o))
OBJECTS   = $(SOURCES:csrc/%.c=$(BUILD)/obj/%.o) $(KERNELS)
CORE      = $(BUILD)/lib/braid/core.so

MAKEFLAGS += --no-builtin-rules

all: deps
	@$(MAKE) --no-print-directory build

build: $(CORE) $(BUILD)/braid

$(CORE): $(OBJECTS)
	@mkdir -p $(@D)
	@echo "  link  $@"
	@$(CC) $(LDFLAGS) -o $@ $(OBJECTS) $(LDLIBS)

$(BUILD)/obj/%.o: csrc/%.c
	@mkdir -p $(@D)
	@echo "  cc    $<"
	@$(CC) $(CPPFLAGS) $(CFLAGS) $(if $(filter csrc/op/% csrc/io/%,$<),-fopenmp) -MMD -MP -c -o $@ $<

# One object per instruction set and element type, from the same source.
$(BUILD)/obj/kernel/kernels.%.o: csrc/kernel/kernels.c
	@mkdir -p $(@D)
	@echo "  cc    $< ($(subst ., ,$*))"
	@$(CC) $(CPPFLAGS) $(CFLAGS) $(isa_$(word 1,$(subst ., ,$*))) \
	  -DISA=$(word 1,$(subst ., ,$*)) -DTYPE=$(word 2,$(subst ., ,$*)) \
	  -DTYPE_$(word 2,$(subst ., ,$*)) -MMD -MP -c -o $@ $<

$(BUILD)/braid: lua/braid/cli/launcher.lua
	@mkdir -p $(@D)
	install -m 755 $< $@

%.d: ;
-include $(OBJECTS:.o=.d)

clean:
	rm -rf $(BUILD)

.PHONY: all build clean
