# Braid: `make demo` and `make test` install what is missing, build, and run.
#
#   make            the core and the command, in build/
#   make demo       trains a multi-task network and shows what it learned
#   make test       checks sources, then runs the specs; SLOW=yes adds the slow ones,
#                   SPEC=spec/x_spec.lua runs one file, PROCESSES=1 one file at a time
#   make test-slow  the slow specs alone
#   make lint       checks sources alone
#   make valgrind   a short script under valgrind
#   make asan       the specs with the address and undefined behaviour sanitizers
#   make stress     those, the collector running at every allocation: over what is new in all
#                   specs, over everything in those of the binding
#   make fuzz       the readers of files, FUZZ_SECONDS=60 each, with inputs that grow by chance,
#                   and all of Braid, by programs at random of FUZZ_CALLS=100000 calls from
#                   FUZZ_SEED=1 on; FUZZ=api runs those alone
#   make bench      the speed of training, inference and single operators, beside PyTorch's if
#                   TORCH_PYTHON=python3 has it; QUICK=1 takes half a minute (with
#                   PyTorch about one), ONLY='conv dmt' runs the rows so named; also writes
#                   build/bench.json;
#                   PROFILE=tcdcn shows where a step of that network spends its time;
#                   WINOGRAD=no computes single convolutions the plain way
#   make install, make uninstall, make clean
#
#   DEPS=no     install nothing
#   OPENMP=system  the compiler's own OpenMP runtime, with a BUILD=dir of its own
#   DATA=dir    demo: train on real photographs (MTFL) instead of rendered faces
#   ARGS=...    demo: further options of examples/tcdcn.lua, such as ARGS='--epochs 5'
#   PREFIX=dir  where `make install` puts things (default /usr/local); DESTDIR is honoured

CC      = gcc
BUILD   = build
PREFIX  = /usr/local
LUA     = lua5.4
PROCESSES = $(shell nproc 2>/dev/null || echo 1)
DEPS    = yes
DATA    =
ARGS    =
SPEC    = spec
SLOW    = no

# ---- packages ------------------------------------------------------------------------------
# What needs a package runs in a second make, after the first one has installed it.

BUILD_PACKAGES    = gcc libc6-dev lua5.4 liblua5.4-dev pkg-config libopenblas-openmp-dev \
                    libpng-dev zlib1g-dev libturbojpeg0-dev
TEST_PACKAGES     = lua-busted lua-check luarocks clang-format sqlite3
VALGRIND_PACKAGES = valgrind
FUZZ_PACKAGES     = clang-14 libclang-rt-14-dev libomp-14-dev

AGAIN = +@$(MAKE) --no-print-directory

all: deps
	$(AGAIN) $(JOBS) build

deps:          NEEDED = $(BUILD_PACKAGES)
deps-test:     NEEDED = $(BUILD_PACKAGES) $(TEST_PACKAGES)
deps-valgrind: NEEDED = $(BUILD_PACKAGES) $(VALGRIND_PACKAGES)
deps-fuzz:     NEEDED = $(BUILD_PACKAGES) $(FUZZ_PACKAGES)
deps deps-test deps-valgrind deps-fuzz:
	@$(if $(filter no,$(DEPS)),:,sh .ci/packages $(NEEDED))

# As many compilers as there are processors, unless make was told a number.
JOBS = $(if $(filter -j%,$(MAKEFLAGS)),,-j$(shell nproc 2>/dev/null || echo 1))

# ---- what is built from what ---------------------------------------------------------------

# Of several OpenBLAS the OpenMP one, which starts no threads when it is loaded, whichever
# the system prefers; elsewhere than on Debian the one that is there. It is not linked but
# loaded at the first product (csrc/tensor/blas.c).
MULTIARCH := $(shell $(CC) -print-multiarch 2>/dev/null)
BLAS_DIR  := $(wildcard /usr/lib/$(MULTIARCH)/openblas-openmp)
PKG       := $(if $(BLAS_DIR),PKG_CONFIG_PATH=$(BLAS_DIR)/pkgconfig:$$PKG_CONFIG_PATH) pkg-config
INCLUDES  := $(shell $(PKG) --cflags lua5.4 openblas libpng libturbojpeg zlib 2>/dev/null)
LIBRARIES := $(shell $(PKG) --libs libpng libturbojpeg zlib 2>/dev/null)

WARN      = -Wall -Wextra -Wno-missing-field-initializers -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wdouble-promotion \
            -Wpointer-arith -Wcast-qual -Wwrite-strings -Wundef -Wvla -Werror
MATH      = -fno-math-errno -fno-trapping-math -ffp-contract=fast
OPT       = -O3
EXTRA     =
CPPFLAGS  = -Icsrc $(INCLUDES) $(if $(filter system,$(OPENMP)),-DBR_SYSTEM_OPENMP) -DBR_BLAS_DIR='"$(BLAS_DIR)"'
CFLAGS    = -std=c11 -D_DEFAULT_SOURCE -fPIC -fvisibility=hidden -fopenmp-simd $(OPT) $(WARN) $(MATH) $(EXTRA)
# OpenMP's pragmas are served by csrc/base/gomp.c, or by the compiler's own runtime: with
# OPENMP=system (in a BUILD of its own), and with clang always.
OPENMP    = own
RUNTIME   = $(if $(findstring clang,$(CC))$(filter system,$(OPENMP)),-fopenmp)
# Directories whose sources may run in parallel.
PARALLEL  = csrc/op/% csrc/image/% csrc/faces/% csrc/load/%
LDFLAGS   = -shared -Wl,-z,nodelete $(RUNTIME) $(EXTRA)
LDLIBS    = $(LIBRARIES) $(addprefix -Wl$(comma)-rpath$(comma),$(BLAS_DIR)) -ldl -lpthread -lm
comma    := ,

ARCH     := $(shell uname -m)
ISAS      = base $(if $(filter x86_64,$(ARCH)),avx2 avx512)
# gcc moves values through MMX registers where it runs short of others, and leaves the x87
# unit, whose they are, unusable.
no_mmx     = $(if $(filter x86_64,$(ARCH)),-mno-mmx)
isa_base   = $(no_mmx)
isa_avx2   = $(no_mmx) -mavx2 -mfma
isa_avx512 = $(no_mmx) -mavx512f -mavx512bw -mavx512dq -mavx512vl -mfma -mprefer-vector-width=512
TYPES     = f32 f64 i64 i32 u8 b8

SOURCES   = $(filter-out csrc/kernel/kernels.c,$(wildcard csrc/*/*.c csrc/*/*/*.c))
KERNELS   = $(foreach i,$(ISAS),$(foreach t,$(TYPES),$(BUILD)/obj/kernel/kernels.$(i).$(t).o))
OBJECTS   = $(SOURCES:csrc/%.c=$(BUILD)/obj/%.o) $(KERNELS)
CORE      = $(BUILD)/lib/braid/core.so

MAKEFLAGS += --no-builtin-rules

build: $(CORE) $(BUILD)/braid
	@:

$(CORE): $(OBJECTS)
	@mkdir -p $(@D)
	@echo "  link  $@"
	@$(CC) $(LDFLAGS) -o $@ $(OBJECTS) $(LDLIBS)
	@$(if $(RUNTIME),:,! nm -u $@ | grep -E ' (GOMP|omp)_' || { rm $@; echo 'csrc/base/gomp.c lacks these'; exit 1; })

$(BUILD)/obj/%.o: csrc/%.c
	@mkdir -p $(@D)
	@echo "  cc    $<"
	@$(CC) $(CPPFLAGS) $(CFLAGS) $(if $(filter $(PARALLEL),$<),-fopenmp) -MMD -MP -c -o $@ $<

# One object per instruction set and element type, from the same source.
$(BUILD)/obj/kernel/kernels.%.o: csrc/kernel/kernels.c
	@mkdir -p $(@D)
	@echo "  cc    $< ($(subst ., ,$*))"
	@$(CC) $(CPPFLAGS) $(CFLAGS) $(isa_$(word 1,$(subst ., ,$*))) \
	  -DISA=$(word 1,$(subst ., ,$*)) -DTYPE=$(word 2,$(subst ., ,$*)) \
	  -DTYPE_$(word 2,$(subst ., ,$*)) -MMD -MP -c -o $@ $<

# The command knows where it was put, so that it also works through a symbolic link.
LAUNCHER = sed -e 's|@LUADIR@|$(1)|' -e 's|@LIBDIR@|$(2)|' lua/braid/cli/launcher.lua

$(BUILD)/braid: lua/braid/cli/launcher.lua
	@mkdir -p $(@D)
	@$(call LAUNCHER,$(CURDIR)/lua,$(abspath $(BUILD))/lib) >$@
	@chmod 755 $@

%.d: ;
-include $(OBJECTS:.o=.d)

clean:
	rm -rf $(BUILD)

# ---- the demonstration ---------------------------------------------------------------------

demo: deps
	$(AGAIN) $(JOBS) build
	@$(BUILD)/braid examples/tcdcn.lua $(if $(DATA),--data '$(DATA)') --out $(BUILD)/demo $(ARGS)

# ---- checks --------------------------------------------------------------------------------

BUSTED     = $(LUA) /usr/bin/busted
LPATH      = lua/?.lua;lua/?/init.lua
TAGS_no    = --exclude-tags=slow
TAGS_only  = --tags=slow -Xoutput none-is-fine

test: deps-test lint
	$(AGAIN) $(JOBS) build
	$(AGAIN) specs

test-slow: deps-test
	$(AGAIN) $(JOBS) build
	$(AGAIN) specs SLOW=only

# Each file in a process of its own; the last line is `N passed, N failed, N skipped`.
specs:
	@BRAID_STRESS='$(BRAID_STRESS)' $(LUA) spec/support/suite.lua $(PROCESSES) '$(SPEC)' \
	  $(BUSTED) --lpath='$(LPATH)' --cpath='$(BUILD)/lib/?.so' -o spec/support/report.lua \
	  $(TAGS_$(SLOW))

C_FILES    = $(wildcard csrc/*/*.[ch] csrc/*/*/*.[ch] csrc/*/*.inc spec/support/*.c spec/fuzz/*.c spec/bench/*.c)
TEXT_FILES = $(shell find Makefile README.md .ci .luacheckrc csrc lua models examples spec rocks \
               -type f 2>/dev/null | grep -E '\.([ch]|inc|lua|md|rockspec)$$|^\.|^Makefile$$')

# Other versions of clang-format than 14 lay some lines out differently.
lint: deps-test
	@luacheck --quiet --no-color $(wildcard lua spec models examples)
	@if clang-format --version 2>/dev/null | grep -q 'version 14\.'; \
	then clang-format --dry-run -Werror $(C_FILES); \
	else echo "clang-format 14 is not there: the layout of C is not checked"; fi
	@! grep -nE '[[:blank:]]+$$' $(TEXT_FILES) /dev/null || \
	  { echo "blanks at the ends of these lines"; exit 1; }
	@! grep -nP '^ *\t' $(filter-out Makefile,$(TEXT_FILES)) /dev/null || \
	  { echo "tabs at the starts of these lines"; exit 1; }

# Valgrind does not know AVX-512. Only definite leaks count: OpenMP keeps its threads to the end.
valgrind: deps-valgrind
	$(AGAIN) $(JOBS) build
	@LUA_PATH='$(LPATH)' LUA_CPATH='$(BUILD)/lib/?.so' BRAID_ISA=avx2 OPENBLAS_CORETYPE=Haswell \
	  valgrind --quiet --leak-check=full --errors-for-leak-kinds=definite --show-leak-kinds=definite \
	  --error-exitcode=1 $(LUA) spec/support/valgrind.lua
	@echo "valgrind: clean"

# A Lua linked with the sanitizers: the stock one cannot load a library that needs them.
SANITIZE = -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer -g

asan: export ASAN_OPTIONS = allocator_may_return_null=1
asan: deps-test
	$(AGAIN) $(JOBS) build
	$(AGAIN) $(JOBS) BUILD=build-asan OPT=-O1 EXTRA='$(SANITIZE) -DBR_NO_POOL' build build-asan/lua
	@LUA_PATH='$(LPATH)' LUA_CPATH='build-asan/lib/?.so' build-asan/lua spec/support/valgrind.lua
	$(AGAIN) BUILD=build-asan LUA=build-asan/lua specs

# What nothing holds is gone before the call that used it is over.
STRESS_FULL = base/held grad/autograd tensor/index optim/update op/chain

stress: export ASAN_OPTIONS = allocator_may_return_null=1
stress: deps-test
	$(AGAIN) $(JOBS) build
	$(AGAIN) $(JOBS) BUILD=build-asan OPT=-O1 EXTRA='$(SANITIZE) -DBR_NO_POOL' build build-asan/lua
	$(AGAIN) BUILD=build-asan LUA=build-asan/lua specs BRAID_STRESS=young
	$(AGAIN) BUILD=build-asan LUA=build-asan/lua specs BRAID_STRESS=full \
	  SPEC='$(STRESS_FULL:%=spec/%_spec.lua)'

build-asan/lua: spec/support/runner.c
	@mkdir -p $(@D)
	$(CC) $(SANITIZE) $(INCLUDES) -Wl,-E -o $@ $< $(shell $(PKG) --libs lua5.4)

# libFuzzer, over a core that clang made. What fails is left in build-fuzz/found.
FUZZ_SECONDS = 60
FUZZ         = png jpeg parse api
FUZZ_CALLS   = 100000
FUZZ_SEED    = 1
FUZZ_FLAGS   = -fsanitize=address,undefined,fuzzer-no-link -fno-sanitize-recover=all \
               -fno-omit-frame-pointer -g -DBR_NO_POOL
FUZZ_BUILD   = BUILD=build-fuzz CC=clang-14 WARN= OPT=-O1 EXTRA='$(FUZZ_FLAGS)'
FUZZ_LINK    = $(CC) $(CPPFLAGS) -std=c11 -O1 $(subst fuzzer-no-link,fuzzer,$(EXTRA))
IMAGE_CODE   = $(addprefix base/,error mem heap cpu threads limits) $(addprefix io/,inflate write target) \
               $(addprefix image/,image codec decode exif png jpeg probe)

fuzz: $(if $(filter-out api,$(FUZZ)),fuzz-files) $(filter-out png jpeg parse,$(FUZZ:api=fuzz-api))

fuzz-files: deps-fuzz
	$(AGAIN) $(JOBS) build
	$(AGAIN) $(JOBS) $(FUZZ_BUILD) build build-fuzz/image build-fuzz/parse
	$(AGAIN) fuzz-run

# Memory beyond this is refused, so that programs see that too.
fuzz-api: export ASAN_OPTIONS = allocator_may_return_null=1:max_allocation_size_mb=400
fuzz-api: deps-test
	$(AGAIN) $(JOBS) BUILD=build-asan OPT=-O1 EXTRA='$(SANITIZE) -DBR_NO_POOL' build build-asan/lua
	@LUA_PATH='./?.lua;$(LPATH)' LUA_CPATH='build-asan/lib/?.so' build-asan/lua spec/fuzz/api.lua \
	  --lua build-asan/lua --calls $(FUZZ_CALLS) --seed $(FUZZ_SEED)

fuzz-run:
	@mkdir -p build/fuzz/png build/fuzz/jpeg build/fuzz/parse build-fuzz/found
	@LUA_PATH='$(LPATH)' LUA_CPATH='$(BUILD)/lib/?.so' $(LUA) spec/fuzz/seeds.lua build/fuzz
	@for target in $(filter-out api,$(FUZZ)); do echo "fuzz: $$target"; program=build-fuzz/image; \
	  test $$target != parse || program=build-fuzz/parse; \
	  LUA_PATH='$(LPATH)' LUA_CPATH='build-fuzz/lib/?.so' OMP_NUM_THREADS=1 $$program \
	    -max_total_time=$(FUZZ_SECONDS) -max_len=4096 -timeout=10 -malloc_limit_mb=512 \
	    -detect_leaks=0 -print_final_stats=1 -verbosity=0 \
	    -artifact_prefix=build-fuzz/found/$$target- build/fuzz/$$target || exit 1; done

build-fuzz/image: spec/fuzz/image.c $(IMAGE_CODE:%=build-fuzz/obj/%.o)
	$(FUZZ_LINK) -o $@ $^ $(LIBRARIES) -lpthread -lm

build-fuzz/parse: spec/fuzz/parse.c
	@mkdir -p $(@D)
	$(FUZZ_LINK) -Wl,-E -o $@ $< $(shell $(PKG) --libs lua5.4)

# ---- speed ---------------------------------------------------------------------------------

TORCH_PYTHON = python3
QUICK        =
ONLY         =
PROFILE      =
WINOGRAD     = yes

bench: deps
	$(AGAIN) $(JOBS) build bench-machine
	@$(BUILD)/braid spec/bench/bench.lua --python '$(TORCH_PYTHON)' --only '$(ONLY)' \
	  --profile '$(PROFILE)' --winograd $(WINOGRAD) --quick $(if $(QUICK),yes,no) \
	  --machine $(BUILD)/bench/machine --out $(BUILD)/bench.json

bench-machine: $(BUILD)/bench/machine
	@:

# For the machine it runs on, like the kernels that it is the measure of.
$(BUILD)/bench/machine: spec/bench/machine.c
	@mkdir -p $(@D)
	@echo "  link  $@"
	@$(CC) -std=gnu11 -O3 -march=native -ffp-contract=fast $(WARN) -fopenmp -o $@ $<

# ---- installation --------------------------------------------------------------------------

LUADIR = $(abspath $(PREFIX))/share/lua/5.4
LIBDIR = $(abspath $(PREFIX))/lib/lua/5.4
BINDIR = $(abspath $(PREFIX))/bin

install: deps
	$(AGAIN) $(JOBS) build
	install -d '$(DESTDIR)$(BINDIR)'
	cd lua/braid && find . -name '*.lua' -exec install -D -m 644 {} '$(DESTDIR)$(LUADIR)/braid/{}' ';'
	if test -d models; then cd models && \
	  find . -name '*.lua' -exec install -D -m 644 {} '$(DESTDIR)$(LUADIR)/braid/models/{}' ';'; fi
	install -D -m 755 $(CORE) '$(DESTDIR)$(LIBDIR)/braid/core.so'
	$(call LAUNCHER,$(LUADIR),$(LIBDIR)) >'$(DESTDIR)$(BINDIR)/braid'
	chmod 755 '$(DESTDIR)$(BINDIR)/braid'

uninstall:
	rm -rf '$(DESTDIR)$(LUADIR)/braid' '$(DESTDIR)$(LIBDIR)/braid'
	rm -f '$(DESTDIR)$(BINDIR)/braid'

.PHONY: all deps deps-test deps-valgrind build clean demo test test-slow specs lint valgrind asan stress \
        deps-fuzz fuzz fuzz-files fuzz-api fuzz-run bench bench-machine \
        install uninstall
