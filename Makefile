# Braid. `make help` lists what is described by lines with two hashes.

CC  = gcc
LUA = lua5.4
## the directory for everything that is built
BUILD = build
## no: do not install missing packages
DEPS = yes
PROCESSORS := $(shell nproc 2>/dev/null || echo 1)

## build the core and the command in BUILD (the default)
all: deps
	$(AGAIN) $(JOBS) build
	$(AGAIN) $(LIBRARY)

## show this list
help:
	@.ci/help $(firstword $(MAKEFILE_LIST))

# ---- packages ------------------------------------------------------------------------------
# A target that needs a package runs in a second make, after the first has installed it.

BUILD_PACKAGES    = gcc libc6-dev lua5.4 liblua5.4-dev pkg-config libopenblas-openmp-dev \
                    libpng-dev zlib1g-dev libturbojpeg0-dev
TEST_PACKAGES     = lua-busted lua-check luarocks clang-format sqlite3 tmux bash-completion \
                    python3-ipykernel jupyter-nbconvert zsh fish mandoc man-db libmicrohttpd-dev curl \
                    cmark-gfm
DOCS_PACKAGES     = cmark-gfm
VALGRIND_PACKAGES = valgrind
FUZZ_PACKAGES     = clang-14 libclang-rt-14-dev libomp-14-dev

AGAIN = +@$(MAKE) --no-print-directory

# As many compilers as processors, unless make was given a number.
JOBS = $(if $(filter -j%,$(MAKEFLAGS)),,-j$(PROCESSORS))

deps:          NEEDED = $(BUILD_PACKAGES)
deps-test:     NEEDED = $(BUILD_PACKAGES) $(TEST_PACKAGES)
deps-valgrind: NEEDED = $(BUILD_PACKAGES) $(VALGRIND_PACKAGES)
deps-fuzz:     NEEDED = $(BUILD_PACKAGES) $(FUZZ_PACKAGES)
deps-docs:     NEEDED = $(BUILD_PACKAGES) $(DOCS_PACKAGES)
deps deps-test deps-valgrind deps-fuzz deps-docs:
	@$(if $(filter no,$(DEPS)),:,sh .ci/packages $(NEEDED))

# ---- what is built from what ---------------------------------------------------------------

# Debian may have several OpenBLAS. The one built with OpenMP starts no threads when it is loaded,
# so it is chosen, whichever the system prefers. Other systems offer only one. The core loads it
# at the first product (csrc/tensor/blas.c) and is not linked with it.
MULTIARCH := $(shell $(CC) -print-multiarch 2>/dev/null)
BLAS_DIR  := $(wildcard /usr/lib/$(MULTIARCH)/openblas-openmp)
PKG       := $(if $(BLAS_DIR),PKG_CONFIG_PATH=$(BLAS_DIR)/pkgconfig:$$PKG_CONFIG_PATH) pkg-config
INCLUDES  := $(shell $(PKG) --cflags lua5.4 openblas libpng libturbojpeg zlib 2>/dev/null)
LIBRARIES := $(shell $(PKG) --libs libpng libturbojpeg zlib 2>/dev/null)

WARN      = -Wall -Wextra -Wno-missing-field-initializers -Wshadow -Wstrict-prototypes \
            -Wmissing-prototypes -Wdouble-promotion -Wpointer-arith -Wcast-qual \
            -Wwrite-strings -Wundef -Wvla -Werror
MATH      = -fno-math-errno -fno-trapping-math -ffp-contract=fast
OPT       = -O3
EXTRA     =
CPPFLAGS  = -Icsrc $(INCLUDES) -DBR_BLAS_DIR='"$(BLAS_DIR)"' \
            $(if $(filter system,$(OPENMP)),-DBR_SYSTEM_OPENMP)
CFLAGS    = -std=c11 -D_DEFAULT_SOURCE -fPIC -fvisibility=hidden -fopenmp-simd $(OPT) $(WARN) \
            $(MATH) $(EXTRA)
# csrc/base/gomp.c implements OpenMP's pragmas, unless the compiler's own runtime is asked for.
# clang always uses its own.
## system: use the compiler's OpenMP runtime for threads; choose another BUILD for it
OPENMP    = own
RUNTIME   = $(if $(findstring clang,$(CC))$(filter system,$(OPENMP)),-fopenmp)
# Sources in these directories may run in parallel.
PARALLEL  = csrc/op/% csrc/image/% csrc/faces/% csrc/load/%
LDFLAGS   = -shared -Wl,-z,nodelete $(RUNTIME) $(EXTRA)
LDLIBS    = $(LIBRARIES) -ldl -lpthread -lm

ARCH     := $(shell uname -m)
ISAS      = base $(if $(filter x86_64,$(ARCH)),avx2 avx512)
# gcc may move values through MMX registers, which would leave the x87 unit unusable.
no_mmx     = $(if $(filter x86_64,$(ARCH)),-mno-mmx)
isa_base   = $(no_mmx)
isa_avx2   = $(no_mmx) -mavx2 -mfma
isa_avx512 = $(no_mmx) -mavx512f -mavx512bw -mavx512dq -mavx512vl -mfma \
             -mprefer-vector-width=512
TYPES     = f32 f64 i64 i32 u8 b8

# `braid serve` wants libmicrohttpd. Without it a file that says so takes its place.
## no: build without libmicrohttpd, which braid serve needs, even if it is there
MHD =
HAS_MHD  := $(or $(MHD),$(if $(shell $(PKG) --exists libmicrohttpd && echo yes),yes,no))
SERVER    = $(filter-out csrc/serve/absent.c,$(wildcard csrc/serve/*.c))
LEFT_OUT  = csrc/kernel/kernels.c $(if $(filter no,$(HAS_MHD)),$(SERVER),csrc/serve/absent.c)
SOURCES   = $(filter-out $(LEFT_OUT),$(wildcard csrc/*/*.c csrc/*/*/*.c))
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
	@$(if $(RUNTIME),:,! nm -u $@ | grep -E ' (GOMP|omp)_' || \
	  { rm $@; echo 'csrc/base/gomp.c lacks these'; exit 1; })

$(BUILD)/obj/%.o: csrc/%.c
	@mkdir -p $(@D)
	@echo "  cc    $<"
	@$(CC) $(CPPFLAGS) $(CFLAGS) $(if $(filter $(PARALLEL),$<),-fopenmp) -MMD -MP -c -o $@ $<

# One source gives an object for each instruction set and element type.
$(BUILD)/obj/kernel/kernels.%.o: csrc/kernel/kernels.c
	@mkdir -p $(@D)
	@echo "  cc    $< ($(subst ., ,$*))"
	@$(CC) $(CPPFLAGS) $(CFLAGS) $(isa_$(word 1,$(subst ., ,$*))) \
	  -DISA=$(word 1,$(subst ., ,$*)) -DTYPE=$(word 2,$(subst ., ,$*)) \
	  -DTYPE_$(word 2,$(subst ., ,$*)) -MMD -MP -c -o $@ $<

$(BUILD)/braid: lua/braid/cli/launcher.lua rocks/launcher.sh
	@mkdir -p $(@D)
	@sh rocks/launcher.sh '$(CURDIR)/lua' '$(abspath $(BUILD))/lib' '$@'

# Stubs for editors, made from the operators and comments (.luarc.json names the directory).
LIBRARY = $(BUILD)/library/braid.lua

## write what editors show of Braid's names into BUILD/library
library: deps
	$(AGAIN) $(JOBS) build
	$(AGAIN) $(LIBRARY)

$(LIBRARY): $(CORE) $(BUILD)/braid $(shell find lua -name '*.lua')
	@echo "  stubs $(@D)"
	@$(BUILD)/braid library $(@D) >/dev/null

## write the site of documentation into BUILD/docs: lessons with output, recipes, a page for each name
docs: deps-docs
	$(AGAIN) $(JOBS) build
	@rm -rf $(BUILD)/docs
	@$(BUILD)/braid spec/support/docs/site.lua $(BUILD)/docs

%.d: ;
-include $(OBJECTS:.o=.d)

## remove BUILD
clean:
	rm -rf $(BUILD)

# ---- the demonstration ---------------------------------------------------------------------

## demo: train on the photographs of MTFL in this directory (otherwise on rendered faces)
DATA =
## demo: more options for examples/tcdcn.lua, such as ARGS='--epochs 5'
ARGS =

## train a multi-task network and show what it learned
demo: deps
	$(AGAIN) $(JOBS) build
	@$(BUILD)/braid examples/tcdcn.lua $(if $(DATA),--data '$(DATA)') --out $(BUILD)/demo $(ARGS)

# ---- checks --------------------------------------------------------------------------------

## test: only these files or directories
SPEC = spec
## test: yes also runs the slow specs
SLOW = no
## test: how many spec files run at once
PROCESSES = $(PROCESSORS)

BUSTED     = $(LUA) /usr/bin/busted
LPATH      = lua/?.lua;lua/?/init.lua
TAGS_no    = --exclude-tags=slow
TAGS_only  = --tags=slow -Xoutput none-is-fine

## run lint, then the specs
test: deps-test lint
	$(AGAIN) $(JOBS) build
	$(AGAIN) specs

## run only the slow specs
test-slow: deps-test
	$(AGAIN) $(JOBS) build
	$(AGAIN) specs SLOW=only

## run the specs without building; each file runs in a process of its own
specs:
	@BRAID_STRESS='$(BRAID_STRESS)' $(LUA) spec/support/suite.lua $(PROCESSES) '$(SPEC)' \
	  $(BUSTED) --lpath='$(LPATH)' --cpath='$(BUILD)/lib/?.so' -o spec/support/report.lua \
	  $(TAGS_$(SLOW))

C_FILES    = $(wildcard csrc/*/*.[ch] csrc/*/*/*.[ch] csrc/*/*.inc spec/support/*.c \
               spec/support/*/*.c spec/fuzz/*.c spec/bench/*.c)
TEXT_FILES = $(shell find Makefile *.md .ci .luacheckrc .editorconfig csrc lua models examples \
               spec rocks -type f 2>/dev/null | \
               grep -E '\.([ch]|inc|lua|md|rockspec|sh)$$|^\.|^Makefile$$')

## lay out the C sources with clang-format, and remove blanks at the ends of all lines
format: deps-test
	@clang-format --version | grep -q 'version 14\.' || \
	  { echo "make format needs clang-format 14; other versions lay lines out differently"; exit 1; }
	@clang-format -i $(C_FILES)
	@sed -i 's/[[:blank:]]*$$//' $(TEXT_FILES)

## check the sources: luacheck, clang-format 14, blanks and tabs
lint: deps-test
	@luacheck --quiet --no-color $(wildcard lua spec models examples)
	@if clang-format --version 2>/dev/null | grep -q 'version 14\.'; \
	then clang-format --dry-run -Werror $(C_FILES); \
	else echo "clang-format 14 is not there: the layout of C is not checked"; fi
	@! grep -nE '[[:blank:]]+$$' $(TEXT_FILES) /dev/null || \
	  { echo "blanks at the ends of these lines"; exit 1; }
	@! grep -nP '^ *\t' $(filter-out Makefile,$(TEXT_FILES)) /dev/null || \
	  { echo "tabs at the starts of these lines"; exit 1; }

# A hook records which lines of Lua the specs run (spec/support/coverage); gcov does so for C.
COVERAGE = BUILD=build-coverage OPT=-O1 \
           EXTRA='--coverage -Wno-missing-profile'

## run the specs and list the lines of C and Lua that no spec reaches; SLOW=yes includes slow specs
coverage: deps-test
	$(AGAIN) $(JOBS) build
	$(AGAIN) $(JOBS) $(COVERAGE) build
	@rm -rf build-coverage/lua && mkdir build-coverage/lua
	@find build-coverage -name '*.gcda' -delete
	@$(CC) -std=gnu11 -O2 -shared -fPIC $(INCLUDES) -o build-coverage/hook.so \
	  spec/support/coverage/hook.c
	-+@BRAID_COVERAGE='$(CURDIR)/build-coverage/lua' \
	  LUA_INIT_5_4='assert(package.loadlib("$(CURDIR)/build-coverage/hook.so", "luaopen_hook"))()' \
	  $(MAKE) --no-print-directory $(COVERAGE) specs
	@$(BUILD)/braid spec/support/coverage/report.lua build-coverage

# Valgrind does not know AVX-512. Only definite leaks count, because OpenMP keeps its threads to
# the end.
## run a short script under valgrind
valgrind: deps-valgrind
	$(AGAIN) $(JOBS) build
	@LUA_PATH='$(LPATH)' LUA_CPATH='$(BUILD)/lib/?.so' BRAID_ISA=avx2 OPENBLAS_CORETYPE=Haswell \
	  valgrind --quiet --leak-check=full --errors-for-leak-kinds=definite --show-leak-kinds=definite \
	  --error-exitcode=1 $(LUA) spec/support/valgrind.lua
	@echo "valgrind: clean"

# The sanitizers need a Lua that is linked with them.
SANITIZE = -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer -g

## run the specs with the address and undefined behaviour sanitizers
asan: export ASAN_OPTIONS = allocator_may_return_null=1
asan: deps-test
	$(AGAIN) $(JOBS) build
	$(AGAIN) $(JOBS) BUILD=build-asan OPT=-O1 EXTRA='$(SANITIZE) -DBR_NO_POOL' build build-asan/lua
	@LUA_PATH='$(LPATH)' LUA_CPATH='build-asan/lib/?.so' build-asan/lua spec/support/valgrind.lua
	$(AGAIN) BUILD=build-asan LUA=$(CURDIR)/build-asan/lua specs

# These specs reach the binding. With "full", garbage collection frees a value as soon as nothing
# holds it, even if a call still uses it.
STRESS_FULL = base/held grad/autograd tensor/index optim/update op/chain

## asan with garbage collection at every allocation: all specs, then the binding's with full collection
stress: export ASAN_OPTIONS = allocator_may_return_null=1
stress: deps-test
	$(AGAIN) $(JOBS) build
	$(AGAIN) $(JOBS) BUILD=build-asan OPT=-O1 EXTRA='$(SANITIZE) -DBR_NO_POOL' build build-asan/lua
	$(AGAIN) BUILD=build-asan LUA=$(CURDIR)/build-asan/lua specs BRAID_STRESS=young
	$(AGAIN) BUILD=build-asan LUA=$(CURDIR)/build-asan/lua specs BRAID_STRESS=full \
	  SPEC='$(STRESS_FULL:%=spec/%_spec.lua)'

build-asan/lua: spec/support/runner.c
	@mkdir -p $(@D)
	$(CC) $(SANITIZE) $(INCLUDES) -Wl,-E -o $@ $< $(shell $(PKG) --libs lua5.4)

# libFuzzer runs with a core built by clang. build-fuzz/found keeps the inputs that fail.
## fuzz: what to fuzz; api alone needs no clang
FUZZ         = png jpeg parse api
## fuzz: seconds for each reader of files
FUZZ_SECONDS = 60
## fuzz: calls in the random programs, which use all of Braid
FUZZ_CALLS   = 100000
## fuzz: the seed of the first program
FUZZ_SEED    = 1
FUZZ_FLAGS   = -fsanitize=address,undefined,fuzzer-no-link -fno-sanitize-recover=all \
               -fno-omit-frame-pointer -g -DBR_NO_POOL
FUZZ_BUILD   = BUILD=build-fuzz CC=clang-14 WARN= OPT=-O1 EXTRA='$(FUZZ_FLAGS)'
FUZZ_LINK    = $(CC) $(CPPFLAGS) -std=c11 -O1 $(subst fuzzer-no-link,fuzzer,$(EXTRA))
IMAGE_CODE   = $(addprefix base/,error mem heap cpu threads limits) \
               $(addprefix io/,inflate write target) \
               $(addprefix image/,image codec decode exif png jpeg probe)

## fuzz the readers of files with libFuzzer, and all of Braid with random programs
fuzz: $(if $(filter-out api,$(FUZZ)),fuzz-files) $(filter-out png jpeg parse,$(FUZZ:api=fuzz-api))

fuzz-files: deps-fuzz
	$(AGAIN) $(JOBS) build
	$(AGAIN) $(JOBS) $(FUZZ_BUILD) build build-fuzz/image build-fuzz/parse
	$(AGAIN) fuzz-run

# Allocations beyond the limit fail, so that programs meet failures too.
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

## bench: a Python with PyTorch, to measure beside Braid
TORCH_PYTHON = python3
## bench: 1 takes half a minute, or a whole minute with PyTorch
QUICK        =
## bench: only the rows with these names, such as ONLY='conv dmt'
ONLY         =
## bench: show where a training step of this network spends its time
PROFILE      =
## bench: no: compute single convolutions without Winograd's algorithm
WINOGRAD     = yes

## measure the speed of training, inference and operators; also writes BUILD/bench.json
bench: deps
	$(AGAIN) $(JOBS) build bench-machine
	@$(BUILD)/braid spec/bench/bench.lua --python '$(TORCH_PYTHON)' --only '$(ONLY)' \
	  --profile '$(PROFILE)' --winograd $(WINOGRAD) --quick $(if $(QUICK),yes,no) \
	  --machine $(BUILD)/bench/machine --out $(BUILD)/bench.json

bench-machine: $(BUILD)/bench/machine
	@:

# Like the kernels, this measuring program is compiled for the machine it runs on.
$(BUILD)/bench/machine: spec/bench/machine.c
	@mkdir -p $(@D)
	@echo "  link  $@"
	@$(CC) -std=gnu11 -O3 -march=native -ffp-contract=fast $(WARN) -fopenmp -o $@ $<

## load `braid serve` with many connections; SERVE='--seconds 5 --python PYTHON' and others
bench-serve: deps
	$(AGAIN) $(JOBS) build $(BUILD)/bench/http_client
	@$(BUILD)/braid spec/bench/serve.lua --client $(BUILD)/bench/http_client $(SERVE)

## bench-serve: options of spec/bench/serve.lua
SERVE =

$(BUILD)/bench/http_client: spec/bench/http_client.c
	@mkdir -p $(@D)
	@echo "  link  $@"
	@$(CC) -std=gnu11 -O2 $(WARN) -o $@ $< -lpthread

# ---- installation --------------------------------------------------------------------------

## install: where to; DESTDIR is put before it
PREFIX = /usr/local
LUADIR = $(abspath $(PREFIX))/share/lua/5.4
LIBDIR = $(abspath $(PREFIX))/lib/lua/5.4
BINDIR = $(abspath $(PREFIX))/bin
SHAREDIR = $(abspath $(PREFIX))/share
PLACES = LUADIR='$(LUADIR)' LIBDIR='$(LIBDIR)' BINDIR='$(BINDIR)' SHAREDIR='$(SHAREDIR)' \
         DESTDIR='$(DESTDIR)' LUA='$(LUA)'

## install the command braid, its man page, completions and stubs, the module and the models
install: deps
	$(AGAIN) $(JOBS) build
	@$(PLACES) sh rocks/install.sh '$(CORE)'

## remove what was installed
uninstall:
	@$(PLACES) sh rocks/install.sh --remove

## make a tarball of the committed tree, and its rockspec, in BUILD/dist
dist:
	@sh rocks/dist.sh '$(BUILD)/dist'

## make a Debian package of what is built, in BUILD/dist
deb: deps
	$(AGAIN) $(JOBS) build
	@LUA='$(LUA)' sh rocks/deb.sh '$(CORE)' '$(BUILD)/dist'

.PHONY: all help deps deps-test deps-valgrind deps-docs build library docs clean demo test test-slow specs format lint \
        coverage valgrind asan stress deps-fuzz fuzz fuzz-files fuzz-api fuzz-run bench \
        bench-machine bench-serve install uninstall dist deb
