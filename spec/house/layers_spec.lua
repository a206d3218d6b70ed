--- Tests the layers: which directory of csrc includes which, which part of lua/braid requires
-- which, and a few rules that the compiler does not check.

local shell <const> = require "spec.support.shell"

local function files(command)
  local list <const> = {}
  for path in shell.run(command).out:gmatch("[^\n]+") do list[#list + 1] = path end
  return list
end

-- The text with comments and quoted texts replaced by blanks. Its lines stay in place.
local function code_of(text)
  local function blank(s) return (s:gsub("[^\n]", " ")) end
  local out <const>, at = {}, 1
  while true do
    local from <const>, _, opening = text:find("([/\"'][*/]?)", at)
    if not from then break end
    out[#out + 1] = text:sub(at, from - 1)
    local to
    if opening == "/*" then
      to = select(2, text:find("*/", from + 2, true))
    elseif opening == "//" then
      to = text:find("\n", from, true) - 1
    elseif opening:find("^[\"']") then
      to = from + 1
      while text:sub(to, to) ~= opening:sub(1, 1) do
        to = to + (text:sub(to, to) == "\\" and 2 or 1)
      end
    end
    out[#out + 1] = to and blank(text:sub(from, to)) or text:sub(from, from)
    at = (to or from) + 1
  end
  out[#out + 1] = text:sub(at)
  return table.concat(out)
end

local function words(text)
  local set <const> = {}
  for word in text:gmatch("%S+") do set[word] = true end
  return set
end

-- Calls f(path, layer, text, report) for every file. Returns the reports as one readable list.
local function violations(list, layer_of, f)
  assert(#list > 0)
  local found <const> = {}
  for _, path in ipairs(list) do
    f(path, path:match(layer_of), shell.read(path), function(...)
      found[#found + 1] = path .. ": " .. string.format(...)
    end)
  end
  return found
end

local function lines_of(text) return select(2, text:gsub("\n", "\n")) end

describe("the layers of C", function()
  local all <const> = files("find csrc -name '*.[ch]' -o -name '*.inc' | sort")

  local function check(f) assert.same({}, violations(all, "^csrc/([^/]+)/", f)) end

  local MAY_INCLUDE <const> = {
    base = "base", kernel = "base kernel", tensor = "base kernel tensor",
    op = "base kernel tensor op", grad = "base kernel tensor op grad",
    io = "base tensor io", image = "base io image", faces = "base faces",
    load = "base tensor io image load", serve = "base serve",
    bind = "base kernel tensor op grad io image faces load serve bind",
    dist = "base kernel tensor op grad dist",
  }

  -- Headers of libraries, and the only layers that may include them.
  local OWNERS <const> = {
    ["cblas.h"] = "tensor", ["dlfcn.h"] = "tensor serve", ["microhttpd.h"] = "serve",
    ["omp.h"] = "op image faces load",
    ["png.h"] = "image", ["jpeglib.h"] = "image", ["turbojpeg.h"] = "image",
    ["setjmp.h"] = "image", ["zlib.h"] = "io",
    ["lua.h"] = "bind",
    ["lauxlib.h"] = "bind", ["lualib.h"] = "bind", ["luaconf.h"] = "bind", ["mpi.h"] = "dist",
    ["immintrin.h"] = "kernel", ["cpuid.h"] = "base",
  }

  local SYSTEM <const> = words [[
    assert.h ctype.h dirent.h errno.h fcntl.h float.h inttypes.h limits.h linux/futex.h math.h
    netdb.h poll.h pthread.h sched.h signal.h spawn.h stdalign.h stdarg.h stdatomic.h stdbool.h
    stddef.h stdint.h stdio.h stdlib.h string.h strings.h sys/eventfd.h sys/ioctl.h sys/mman.h
    sys/prctl.h sys/resource.h sys/socket.h sys/stat.h sys/syscall.h sys/time.h sys/types.h
    sys/wait.h termios.h time.h unistd.h ]]

  it("are all known", function()
    check(function(_, layer, _, report)
      if not MAY_INCLUDE[layer] then report("no layer") end
    end)
  end)

  it("include only headers of the layers below them", function()
    check(function(_, layer, text, report)
      for header in text:gmatch('#%s*include%s*"([^"]+)"') do
        if not words(MAY_INCLUDE[layer])[header:match("^([^/]+)/")] then
          report("includes %s", header)
        end
      end
    end)
  end)

  it("include headers of libraries only in the layers that own them", function()
    check(function(_, layer, text, report)
      for header in text:gmatch("#%s*include%s*<([^>]+)>") do
        local owners <const> = OWNERS[header]
        if owners and not words(owners)[layer] then
          report("includes <%s>, which belongs to %s", header, owners)
        elseif not owners and not SYSTEM[header] then
          report("includes <%s>, which no layer owns", header)
        end
      end
    end)
  end)

  local PARALLEL <const> = words "op image faces load"

  it("have parallel regions only in op, image, faces and load", function()
    check(function(_, layer, text, report)
      for directive in code_of(text):gmatch("#%s*pragma%s+omp%s+([^\n]*)") do
        if not directive:find("^simd") and not PARALLEL[layer] then
          report("has #pragma omp %s", directive)
        end
      end
    end)
  end)

  it("use instruction sets only in kernel", function()
    check(function(_, layer, text, report)
      if layer == "kernel" then return end
      for _, pattern in ipairs({"__AVX%w*", "__SSE%w*", "__FMA__", "_mm%d*_%w+",
        "__m%d%d%d%w*", "target%s*%(", "target_clones"}) do
        local found <const> = code_of(text):match("%f[%w_]" .. pattern)
        if found then report("has %s", found) end
      end
    end)
  end)

  it("never include a .c file, and guard every header", function()
    local guards <const> = {}
    check(function(path, _, text, report)
      local source <const> = text:match('#%s*include%s*["<]([^">]+%.c)[">]')
      if source then report("includes %s", source) end
      if path:find("%.h$") then
        local guard <const>, defined <const> =
          text:match("#ifndef (BR_[%u%d_]+_H)\n#define (%S+)\n")
        if not guard or guard ~= defined then
          report("has no guard")
        elseif guards[guard] then
          report("has the guard of %s", guards[guard])
        end
        if guard then guards[guard] = path end
      end
    end)
  end)

  it("never print, end the process or jump", function()
    local FORBIDDEN <const> = words [[
      printf fprintf vprintf vfprintf puts fputs putchar perror exit _exit _Exit quick_exit abort
      setjmp sigsetjmp longjmp siglongjmp system fork signal ]]
    -- libpng reports errors by a jump.
    local ALLOWED <const> = {["csrc/image/png.c"] = words "setjmp"}
    check(function(path, _, text, report)
      for name in code_of(text):gmatch("%f[%w_]([%a_][%w_]*)%s*%(") do
        if FORBIDDEN[name] and not (ALLOWED[path] or {})[name] then report("calls %s", name) end
      end
    end)
  end)

  it("keep files within 450 lines", function()
    check(function(_, _, text, report)
      if lines_of(text) > 450 then report("has %d lines", lines_of(text)) end
    end)
  end)
end)

describe("the layers of Lua", function()
  local all <const> = files("find lua/braid -name '*.lua' | sort")

  local function check(f)
    assert.same({}, violations(all, "^lua/braid/([^/.]+)", f))
  end

  -- A part may require parts of a lower level, itself, and the core.
  local LEVEL <const> = {
    format = 0, notice = 0, prompt = 0,
    core = 1, nearest = 0, origin = 1, version = 1, check = 1,
    arguments = 2, copied = 2, folder = 2, record = 2, einsum = 2,
    printing = 1, limits = 2, guard = 2.4, class = 2.6, tensor_parts = 2, tensor_events = 2,
    tensor_methods = 2, tensor_repeats = 1.5,
    random_state = 3, tensor = 3, grad = 4,
    io = 4, data = 5, functional = 5, nn = 6, loss = 6.5, optim = 7, mtl = 7, profile = 7,
    sandbox = 8, plot = 9, model = 10, onnx = 10.5,
    train = 11, vision = 11, serve = 11, papers = 11.2, repl = 11.5, inspect = 11.7, jupyter = 11.7,
    cli = 12, init = 13,
  }

  -- Parts that may require all of Braid, because they give it to a user: to scripts, at the prompt,
  -- to the definition of a network.
  local HAS_WHOLE <const> = words "cli jupyter repl sandbox"

  it("are all known", function()
    check(function(_, part, _, report)
      if not LEVEL[part] then report("no part") end
    end)
  end)

  it("require only parts of a lower level", function()
    check(function(_, part, text, report)
      local level <const> = LEVEL[part] or 0
      for name in text:gmatch("%f[%w_]require%s*%(?%s*[\"']([^\"']+)[\"']") do
        local other <const> = name == "braid" and "init" or name:match("^braid%.([^.]+)")
        local whole <const> = other == "init" and HAS_WHOLE[part]
        if other ~= "core" and other ~= part and not whole and
          (LEVEL[other] or math.huge) >= level then
          report("requires %s", name)
        end
      end
    end)
  end)

  -- The files that may call error, and what they raise. All others raise errors by check.fail.
  local RAISES <const> = {
    ["io/damage"] = "readers raise a table, which their caller turns into nil and a message",
    limits = "as readers do",
    guard = "what a definition raised",
    ["sandbox/init"] = "a definition's text, with its own place",
    ["sandbox/basics"] = "an interrupt that it caught",
    ["repl/interrupts"] = "what a coroutine raised",
    ["repl/session"] = "a line's text, with its own place",
    ["repl/printing"] = "the end of the time that a __tostring may take",
    ["repl/modules"] = "what a file raised",
    ["train/pool/engine"] = "an interrupt that it caught",
    ["train/comparing/training"] = "an interrupt that it caught",
  }

  it("raise errors only by check.fail", function()
    local count = 0
    check(function(path, _, text, report)
      for _ in text:gsub("%-%-[^\n]*", ""):gmatch("%f[%w_.:]error%(") do
        count = count + 1
        if not RAISES[path:match("^lua/braid/(.*)%.lua$")] then report("calls error") end
      end
    end)
    assert.is_true(count >= 5 and count < 30)
  end)

  it("keep files below 300 lines", function()
    check(function(_, _, text, report)
      if lines_of(text) > 300 then report("has %d lines", lines_of(text)) end
    end)
  end)
end)

describe("code_of", function()
  it("replaces comments and quotes by blanks in each line, and keeps divisions", function()
    for _, case in ipairs({
      {"a / b /* exit( */ c", "a / b             c"},
      {"/* two\nlines */ x", "      \n         x"},
      {"x; // exit()\ny", "x;          \ny"},
      {[[f("a\"b") + '"' + 'c']], "f(      ) +     +    "},
    }) do
      assert.equal(case[2], code_of(case[1]))
    end
  end)
end)
