# tarn: `make demo` shows it, `make check` proves it, `make help` lists the rest.
# Layers are folders under src/; each becomes an archive that may use only those before it.

SHELL   := bash
ifeq ($(origin CC),default)
CC      := gcc
endif
ifeq ($(origin CXX),default)
CXX     := g++
endif
LAYERS  := base duck sql state lake stream connector engine cli
DEPS    := build/deps
KAFKA   := $(DEPS)/lib/librdkafka.a
PREFIX  ?= /usr/local
FOR     ?= 30s
VERSION := 0.1.0
Q       := $(if $(V),,@)# make V=1 shows the commands

# One target: all cores, unless the command line says -j. Several targets keep their order.
ifeq ($(MAKELEVEL)$(word 2,$(MAKECMDGOALS)),0)
MAKEFLAGS += -j$(shell nproc)
endif

# make check SAN=address|thread|undefined builds apart, under build/san-<name>; so does any
# OUT=build/<name>, for another compiler: make CC=clang-14 CXX=clang++-14 OUT=build/clang all unit
ifdef SAN
OUT     := build/san-$(SAN)
SANFLAG := -fsanitize=$(SAN) -fno-sanitize-recover=undefined -fno-omit-frame-pointer
OPT     := -O1
else
OUT     := build
OPT     := -O2
endif

WARN   := -Wall -Wextra -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes -Wvla \
          -Wundef -Wimplicit-fallthrough -Wno-unknown-warning-option -Wno-format-truncation -Werror
CPPFLAGS += -Isrc -I$(DEPS)/include -I$(OUT)/gen -D_GNU_SOURCE -DTARN_VERSION='"$(VERSION)"'
CFLAGS   += -std=gnu17 $(OPT) -g $(WARN) $(SANFLAG) -fstack-protector-strong -fPIE -pthread
CXXFLAGS += -std=gnu++17 $(OPT) -g -Wall -Wextra -Werror $(SANFLAG) -fPIE -pthread -fno-exceptions
LDFLAGS  += -pie -Wl,-z,relro,-z,now $(SANFLAG) -pthread -L$(OUT) \
            -Wl,-rpath,'$$ORIGIN:$$ORIGIN/../lib/tarn:$(abspath build)'
LDLIBS   := -lduckdb -lsimdjson -ljansson -lyaml -lsqlite3 -lcrypto -lm -lstdc++

objects = $(patsubst src/%,$(OUT)/obj/%.o,$(wildcard src/$(1)/*.c src/$(1)/*.cc))
archives_upto = $(foreach l,$(shell echo "$(LAYERS)" | sed 's/\(.*\b$(1)\b\).*/\1/'),$(OUT)/lib/$(l).a)
MAIN    := $(OUT)/obj/cli/main.c.o
TESTS   := $(patsubst tests/unit/%.c,$(OUT)/test/%,$(wildcard tests/unit/*_test.c))

.PHONY: all deps demo weblogs check quick lint format bench fuzz docs install dist clean help services unit
.SECONDEXPANSION:
.SECONDARY:

# The program comes first: it does not use librdkafka yet, only a test does.
all: $(OUT)/tarn $(KAFKA)

help: ## this list
	@awk -F':.*## ' '/^[a-z]+:.*## /{printf "  make %-9s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

deps: $(DEPS)/stamp $(KAFKA) ## install what is missing: packages, libduckdb, librdkafka
$(DEPS)/stamp: tools/deps.sh package-lock.json
	@tools/deps.sh build && touch $@
$(KAFKA): $(DEPS)/stamp
	@tools/deps.sh librdkafka && touch $@

$(OUT)/libduckdb.so: $(DEPS)/stamp
	@mkdir -p $(@D) && ln -sf $(abspath $(DEPS))/lib/libduckdb.so $@

$(OUT)/obj/%.c.o: src/%.c | $(DEPS)/stamp
	@mkdir -p $(@D)
	@echo '  $(notdir $@)'
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c $< -o $@

$(OUT)/obj/%.cc.o: src/%.cc | $(DEPS)/stamp
	@mkdir -p $(@D)
	@echo '  $(notdir $@)'
	$(Q)$(CXX) $(CPPFLAGS) $(CXXFLAGS) -MMD -MP -c $< -o $@

$(OUT)/lib/%.a: $$(filter-out $(MAIN),$$(call objects,$$*))
	@mkdir -p $(@D) && rm -f $@
	@echo '  $(notdir $@)'
	$(Q)ar rcs $@ $^

$(OUT)/tarn: $(MAIN) $(foreach l,$(LAYERS),$(OUT)/lib/$(l).a) $(OUT)/libduckdb.so
	$(Q)$(CC) $(LDFLAGS) $(MAIN) -Wl,--start-group $(filter %.a,$^) -Wl,--end-group $(LDLIBS) -o $@

# The templates of `tarn init` are the examples themselves.
$(OUT)/gen/templates.inc: tools/templates.sh $(shell find examples -type f -not -path '*/data/*' -not -path '*/logs/*' 2>/dev/null)
	@mkdir -p $(@D) && tools/templates.sh > $@.new && mv $@.new $@
$(OUT)/obj/cli/init.c.o: $(OUT)/gen/templates.inc

# tests/unit/<layer>_<what>_test.c links its layer and those below.
$(OUT)/test/%: tests/unit/%.c tests/unit/check.h $$(call archives_upto,$$(firstword $$(subst _, ,$$*))) $(OUT)/libduckdb.so
	@mkdir -p $(@D)
	@echo '  $(notdir $@)'
	$(Q)$(CC) $(CPPFLAGS) -Itests/unit $(CFLAGS) -Wno-missing-prototypes $(LDFLAGS) $< -Wl,--start-group $(filter %.a,$^) \
	    -Wl,--end-group $(LDLIBS) -Wl,-rpath,$(abspath $(OUT)) -o $@

$(OUT)/test/connector_librdkafka_test: $(KAFKA)
$(OUT)/test/connector_librdkafka_test: private LDLIBS += -llz4 -lzstd -lssl -lz -ldl

unit: $(TESTS)

# Rows first: librdkafka goes on compiling beside them.
demo: weblogs $(KAFKA) ## build, run examples/weblogs for $(FOR) (FOR=0: until Ctrl-C), query its tables
weblogs: $(OUT)/tarn
	@FOR=$(FOR) examples/weblogs/demo.sh $(abspath $(OUT))/tarn
	@[ -e $(KAFKA) ] || echo 'deps: librdkafka is still being compiled, once; wait, or let a later make do it' >&2

check: all unit ## every test; the last line is "N passed, N failed"
	@tools/deps.sh check
	@tests/run.sh $(abspath $(OUT))

quick: all unit ## the inner loop: unit and .test files, < 60 s
	@tests/run.sh $(abspath $(OUT)) quick

lint: ## layers, names, sizes, banned calls
	@tools/lint.sh

format: ## clang-format in place
	clang-format -i $(wildcard src/*/*.[ch] tests/unit/*.[ch])

$(OUT)/bench/state_curve: bench/state_curve.c $(OUT)/lib/state.a $(OUT)/lib/base.a
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) $(LDFLAGS) $^ -o $@

bench: all $(OUT)/bench/state_curve ## speed and size beside Spark and Flink, as ratios
	@bench/run.sh $(abspath $(OUT))/tarn

fuzz: all ## each parser under libFuzzer for a minute, random queries for ten
	@tests/fuzz/run.sh
	@tests/random/run --cases 100000 --from "$$(date +%s)" --seconds 600 $(abspath $(OUT))/tarn

docs: all ## regenerate docs/connectors from the option tables
	@tools/docs.sh $(abspath $(OUT))/tarn

install: all ## into PREFIX (default /usr/local)
	install -Dm755 $(OUT)/tarn $(DESTDIR)$(PREFIX)/bin/tarn
	install -Dm644 $(DEPS)/lib/libduckdb.so $(DESTDIR)$(PREFIX)/lib/tarn/libduckdb.so

dist: ## a source archive
	git archive --prefix=tarn-$(VERSION)/ -o build/tarn-$(VERSION).tar.gz HEAD

clean: ## removes what was built, keeps build/deps
	rm -rf build/obj build/lib build/test build/gen build/san-* build/clang build/tarn build/libduckdb.so

-include $(shell find $(OUT)/obj -name '*.d' 2>/dev/null)
