--- Every function that writes a file: what it leaves when it succeeds, when the path is wrong, when
-- there is no room, when it is killed, and when others write the same file.

local braid <const> = require "braid"
local core <const> = require "braid.core"
local shell <const> = require "spec.support.shell"
local files <const> = require "braid.io.files"
local plot <const> = braid.plot

local BRAID <const> = shell.lua .. " " .. shell.build .. "/braid"

local picture <const> = braid.full({3, 6, 6}, 7, {dtype = "uint8"})
local flow <const> = {blocks = {"a"}, names = {"p", "q"}, tasks = {"p", "q"},
  weights = {a = {{1, 0}, {0, 1}}}}
local ablation <const> = {names = {"p"}, blocks = {"a"}, base = {p = {error = 1}},
  change = {a = {p = {p = {error = 2}}}}}

-- Every writer: a file's name, and a function that writes it.
local WRITERS <const> = {
  {"t.safetensors", function(path) return braid.save(path, {a = braid.ones(5)}, {k = "v"}) end},
  {"t.npy", function(path) return braid.save(path, braid.ones(5)) end},
  {"t.npz", function(path) return braid.save(path, {a = braid.ones(5)}) end},
  {"t.csv", function(path) return braid.save(path, braid.ones(5)) end},
  {"t.png", function(path) return braid.save(path, picture) end},
  {"heat.png", function(path) return plot.heatmap(path, {{1, 2}}) end},
  {"heat.svg", function(path) return plot.heatmap(path, {{1, 2}}) end},
  {"transfer.svg", function(path) return plot.transfer(path, flow) end},
  {"ablation.svg", function(path)
    return plot.ablation(path, ablation, {task = "p", metric = "error"})
  end},
  {"landmarks.png", function(path)
    return plot.landmarks(path, braid.ones(1, 1, 5, 5), braid.zeros(1, 5, 2))
  end},
  {"maps.png", function(path) return plot.maps(path, braid.eye(4):reshape(1, 4, 4)) end},
  {"detections.png", function(path)
    return plot.detections(path, picture, braid.tensor{{1, 1, 3, 3}}, braid.ones(1, 2, 2))
  end},
  {"show.png", function(path)
    return braid.data.show(braid.data.faces{n = 2, seed = 1}.train, 1, path)
  end},
}

-- Commands that put an obstacle at the path, each with the message.
local OBSTACLES <const> = {
  {"mkdir %s", "it is a folder"},
  {"mkdir %s; echo thesis >%s/thesis.tex", "it is a folder"},
  {"mkdir -p %s.old %s.part; echo mine >%s.old/model.lua; mkdir %s", "it is a folder"},
  {"echo old >%s; chmod 444 %s", "the file there is read-only (mode 444)"},
  {"echo old >%s; chmod 0 %s", "the file there is read-only (mode 000)"},
  {"echo old >%s.end; chmod 400 %s.end; ln -s %s.end %s", "the file there is read-only (mode 400)"},
  {"mkfifo %s", "it is a pipe"},
  {"ln -s /dev/null %s", "it is a device"},
  {"ln -s /dev/stdout %s", "it is an open stream, not a file"},
  {"ln -s %s %s", "Too many levels of symbolic links"},
  {"ln -s /nowhere/x %s", "there is no folder /nowhere"},
}

-- Calls f with a new folder, then removes the folder.
local function with_folder(f)
  local folder <const> = os.tmpname()
  os.remove(folder)
  shell.run("mkdir " .. folder)
  local ok <const>, message <const> = pcall(f, folder)
  shell.run("chmod -R u+w " .. folder .. "; rm -rf " .. folder)
  if not ok then error(message, 0) end
end

local function run(command, ...) return shell.run(command:format(...)).out:gsub("%s+$", "") end
local function listing(folder) return run("ls -A '%s' | sort | tr '\n' ' '", folder) end
local function mode(path) return run("stat -c %%a '%s'", path) end

-- Checks the error that a writer raises: it names a line of this file, and says what is wrong.
local function fails(write, path, what)
  local ok <const>, message <const> = pcall(write, path)
  assert.is_false(ok)
  assert.matches("^spec/io/writers_spec%.lua:%d+: ", message)
  assert.matches("cannot write " .. path .. ": ", message, 1, true)
  assert.matches(what, message, 1, true)
end

for _, writer in ipairs(WRITERS) do
  local name <const>, write <const> = writer[1], writer[2]

  describe("the writer of " .. name, function()
    it("returns true and leaves one file, with the mode that the umask allows", function()
      with_folder(function(folder)
        local path <const> = folder .. "/" .. name
        assert.is_true(write(path))
        assert.equal(name, listing(folder))
        assert.is_true(#files.read(path) > 0)
        assert.equal(("%o"):format(tonumber("666", 8) & ~tonumber(run("umask"), 8)), mode(path))
      end)
    end)

    it("replaces an old file with the same bytes, and keeps its mode", function()
      with_folder(function(folder)
        local path <const> = folder .. "/" .. name
        write(path)
        local bytes <const> = files.read(path)
        for _, bits in ipairs{"600", "666", "755"} do
          shell.run(("head -c 100000 /dev/zero >%s; chmod %s %s"):format(path, bits, path))
          write(path)
          assert.equal(bits, mode(path))
          assert.equal(bytes, files.read(path))
        end
        assert.equal(name, listing(folder))
      end)
    end)

    it("follows symbolic links, and replaces or makes the file at their end", function()
      with_folder(function(folder)
        local path <const> = folder .. "/" .. name
        shell.run(("cd %s; mkdir d; echo old >d/end; chmod 640 d/end; ln -s d/end middle; "
          .. "ln -s %s/middle %s; ln -s d folder; ln -s d/new new-%s"):format(folder, folder, name,
          name))
        write(path)
        assert.equal("middle d/end", run(
          "cd %s; readlink %s middle | sed 's|.*/middle|middle|' | tr '\n' ' '", folder, name))
        assert.equal("640", mode(folder .. "/d/end"))
        assert.is_true(#files.read(folder .. "/d/end") > 4)
        write(folder .. "/new-" .. name)
        assert.equal("d/new", run("readlink %s/new-%s", folder, name))
        write(folder .. "/folder/" .. name)
        assert.equal(run("printf '%%s\n' end new %s | sort | tr '\n' ' '", name),
          listing(folder .. "/d"))
      end)
    end)

    it("refuses to replace a folder, pipe, device or read-only file", function()
      with_folder(function(folder)
        local commands <const> = {}
        for i, case in ipairs(OBSTACLES) do
          commands[i] = ("mkdir %s/%d; %s"):format(folder, i,
            (case[1]:gsub("%%s", ("%s/%d/%s"):format(folder, i, name))))
        end
        shell.run(table.concat(commands, "\n"))
        local look <const> = "cd %s; ls -lAR --time-style=full-iso; grep -r . --devices=skip ."
        local before <const> = run(look, folder)
        for i, case in ipairs(OBSTACLES) do
          fails(write, ("%s/%d/%s"):format(folder, i, name), case[2])
        end
        assert.equal(before, run(look, folder))
      end)
    end)

    it("refuses a path through a missing directory, or through a file", function()
      with_folder(function(folder)
        fails(write, folder .. "/no/" .. name, "there is no folder " .. folder .. "/no")
        shell.run("echo x >" .. folder .. "/f")
        fails(write, folder .. "/f/" .. name, folder .. "/f is not a folder")
        local _, message <const> = pcall(write, folder .. "/" .. ("x"):rep(300) .. name)
        assert.matches("^spec/io/writers_spec.*x" .. name .. ": File name too long$", message)
        assert.equal("f", listing(folder))
      end)
    end)

    it("raises an error for a value that is not a path", function()
      for _, path in ipairs{false, 3, {}, "", "a\0" .. name, print} do
        local ok <const>, message <const> = pcall(write, path or nil)
        assert.is_false(ok)
        assert.matches("^spec/io/writers_spec%.lua:%d+: %l[%w.]+: .*path", message)
      end
      assert.is_nil((io.open("a")))
    end)

    it("leaves other files in the folder alone, also with names like temporary ones", function()
      with_folder(function(folder)
        local path <const> = folder .. "/" .. name
        local names <const> = {}
        for i, other in ipairs{name .. ".part", name .. ".old", name .. ".tmp", name .. "~",
          name .. ".part-1-0", "." .. name .. ".braid-", "." .. name .. ".braid-old",
          "." .. name .. ".braid-0123456789abcdef01234567",
          ".braid-0123456789abcdef01234567"} do
          names[i] = other
          assert(files.write(folder .. "/" .. other, {"mine"}))
        end
        shell.run(("ln -s victim '%s/.%s.braid-link'; echo v >%s/victim"):format(folder, name,
          folder))
        write(path)
        write(path)
        for _, other in ipairs(names) do
          assert.equal("mine", files.read(folder .. "/" .. other))
        end
        assert.equal("v\n", files.read(folder .. "/victim"))
      end)
    end)
  end)
end

-- ---- without room ---------------------------------------------------------------------------

-- Runs a script that saves more than 1 MB over an old file, after a shell command that sets a
-- limit; returns its output.
local function limited(folder, before, ending)
  local script <const> = folder .. "/save.lua"
  assert(files.write(script, {([[
    local braid <const> = require "braid"
    braid.manual_seed(1)
    local noise <const> = braid.randint(0, 255, {3, 700, 700}):to("uint8")
    local values <const> = {npy = noise, npz = {a = noise}, safetensors = {a = noise},
      png = noise, csv = noise:reshape(-1, 10)}
    print(pcall(braid.save, "%s/full/t.%s", values["%s"]))
  ]]):format(folder, ending, ending)}))
  return shell.run(("%s\n%s %s"):format(before, BRAID, script)).out
end

describe("an old file, when the new one does not fit,", function()
  for _, ending in ipairs{"npy", "npz", "safetensors", "png", "csv"} do
    it("stays as it was under a limit on file sizes: ." .. ending, function()
      with_folder(function(folder)
        shell.run(("mkdir %s/full; echo old >%s/full/t.%s"):format(folder, folder, ending))
        assert.matches("cannot write .*: File too large", limited(folder, "ulimit -f 300", ending))
        assert.equal("t." .. ending, listing(folder .. "/full"))
        assert.equal("old\n", files.read(folder .. "/full/t." .. ending))
      end)
    end)
  end

  it("stays as it was on a full disk", function()
    with_folder(function(folder)
      local full <const> = folder .. "/full"
      shell.run("mkdir " .. full)
      local mount <const> = ("mount -t tmpfs -o size=1m none %s 2>/dev/null"):format(full)
      if not shell.run(mount .. " && echo yes").out:find("yes") then
        pending("this user may not mount a file system")
        return
      end
      for _, ending in ipairs{"npy", "npz", "safetensors", "png", "csv"} do
        shell.run(("echo old >%s/t.%s"):format(full, ending))
        local out <const> = limited(folder, "", ending)
        local left <const>, text <const> = listing(full), files.read(full .. "/t." .. ending)
        shell.run(("rm %s/t.%s"):format(full, ending))
        if left ~= "t." .. ending or text ~= "old\n" or not out:find("No space left on device") then
          shell.run("umount " .. full)
          error(("%s: %s, %s, %s"):format(ending, left, text, out))
        end
      end
      shell.run("umount " .. full)
    end)
  end)
end)

-- ---- several writers of one file ------------------------------------------------------------

-- The command of a script that saves an array of equal bytes many times.
local function saver(folder, value, times)
  local path <const> = ("%s/save%d.lua"):format(folder, value)
  assert(files.write(path, {([[
    local braid <const> = require "braid"
    local t <const> = braid.full({200000}, %d, {dtype = "uint8"})
    for _ = 1, %d do braid.save("%s/out/t.npy", t) end
  ]]):format(value, times, folder)}))
  return BRAID .. " " .. path
end

-- Reads the file, which must be complete and from one writer.
local function check_whole(path)
  local t <const> = braid.load(path)
  local low <const>, high <const> = t:min():item(), t:max():item()
  assert.equal(200000, t:numel())
  assert.equal(low, high)
end

describe("writers of one file", function()
  it("never show a reader half a file, or parts of two, when two write at once", function()
    with_folder(function(folder)
      shell.run("mkdir " .. folder .. "/out")
      braid.save(folder .. "/out/t.npy", braid.full({200000}, 9, {dtype = "uint8"}))
      for i = 1, 2 do
        shell.run(("(%s >%s/%d 2>&1; echo done >%s/end%d) &"):format(saver(folder, i, 40), folder,
          i, folder, i))
      end
      local reads = 0
      repeat
        check_whole(folder .. "/out/t.npy")
        reads = reads + 1
      until io.open(folder .. "/end1") and io.open(folder .. "/end2")
      assert.is_true(reads > 10)
      assert.equal("", files.read(folder .. "/1") .. files.read(folder .. "/2"))
      assert.equal("t.npy", listing(folder .. "/out"))
    end)
  end)

  -- Makes the file that a writer leaves when it is killed before it gives the file its name.
  local function abandon(path)
    local script <const> = os.tmpname()
    assert(files.write(script, {([[
      local writer <const> = require("braid.core").writer(%q)
      writer:put(("x"):rep(100000))
      os.execute("kill -9 $PPID")
    ]]):format(path)}))
    shell.run(BRAID .. " " .. script)
    os.remove(script)
  end

  it("leave a temporary file when killed, which the next writer of that path removes", function()
    with_folder(function(folder)
      local path <const>, other <const> = folder .. "/t.npy", folder .. "/other.npy"
      braid.save(path, braid.ones(1))
      for _ = 1, 3 do abandon(path) end
      abandon(other)
      local _, count <const> = listing(folder):gsub("%.braid%-", "")
      assert.equal(2, count) -- each writer removed what the one before it had left
      braid.save(path, braid.ones(2))
      assert.matches("^%.other%.npy%.braid%-%x+ t%.npy$", listing(folder))
      braid.save(folder .. "/third.npy", braid.ones(2))
      braid.save(other, braid.ones(2))
      assert.equal("other.npy t.npy third.npy", listing(folder))
      abandon(path) -- this process has written here before, and still sees it
      braid.save(path, braid.ones(2))
      assert.equal("other.npy t.npy third.npy", listing(folder))
    end)
  end)

  it("do not remove the temporary file of a writer that still runs", function()
    with_folder(function(folder)
      shell.run("mkdir " .. folder .. "/out")
      local path <const> = folder .. "/out/t.npy"
      local writer <close> = assert(core.writer(path))
      assert(writer:put("half"))
      shell.run(saver(folder, 3, 1))
      braid.save(path, braid.ones(4))
      assert(writer:finish())
      assert.equal("half", files.read(path))
      assert.equal("t.npy", listing(folder .. "/out"))
    end)
  end)

  it("remove their temporary file when they are closed or collected unfinished", function()
    with_folder(function(folder)
      local path <const> = folder .. "/t.bin"
      core.writer(path):put("x")
      do
        local writer <close> = assert(core.writer(path))
        writer:put("y")
      end
      collectgarbage()
      collectgarbage()
      assert.equal("", listing(folder))
    end)
  end)

  -- Each kind of file: code that makes the value 1 or 2, and a function that tells which of them
  -- a file holds.
  local SAVERS <const> = {
    {"npy", "braid.full({200000}, %d)", function(v) return v:min():item() end},
    {"npz", "{a = braid.full({200000}, %d)}", function(v) return v.a:min():item() end},
    {"csv", "braid.full({3000}, %d)", function(v) return v.data:min():item() end},
    {"png", "braid.full({3, 99, 99}, %d, {dtype = 'uint8'})",
      function(v) return v:min():item() end},
    {"safetensors", [[(function()
      local net <const> = braid.model("models/tcdcn.lua", {width = %d,
        tasks = braid.mtl.tasks{a = braid.mtl.real{1}}})
      return net
    end)()]], function(_, path) return braid.inspect(path).options.width end},
  }

  -- The command of a script that saves the value `times` times.
  local function script_of(folder, case, value, times)
    local path <const> = ("%s/%s%d.lua"):format(folder, case[1], value)
    assert(files.write(path, {([[
      local braid <const> = require "braid"
      local value <const> = %s
      for _ = 1, %d do braid.save("%s/out/t.%s", value) end
    ]]):format(case[2]:format(value), times, folder, case[1])}))
    return BRAID .. " " .. path
  end

  local function value_in(folder, case)
    local path <const> = ("%s/out/t.%s"):format(folder, case[1])
    return case[3](braid.load(path), path)
  end

  it("#slow leave the whole old file or the whole new one when killed at any moment", function()
    for _, case in ipairs(SAVERS) do
      with_folder(function(folder)
        shell.run("mkdir " .. folder .. "/out")
        local once <const> = script_of(folder, case, 1, 1)
        shell.run(once)
        local first <const>, second <const> = script_of(folder, case, 1, 10000),
          script_of(folder, case, 2, 10000)
        for i = 1, 20 do
          local wait <const> = 0.02 + i * 0.012
          shell.run(("timeout -s KILL %g %s & timeout -s KILL %g %s; wait"):format(wait, first,
            wait * 0.9, second))
          assert.is_truthy(({true, true})[value_in(folder, case)])
        end
        shell.run(script_of(folder, case, 1, 1))
        assert.equal("t." .. case[1], listing(folder .. "/out"))
      end)
    end
  end)

  it("#slow leave whole files when any system call fails or kills the writer", function()
    if shell.run("command -v strace").out == "" then
      pending("there is no strace")
      return
    end
    local STEPS <const> = {"signal=KILL:when=1", "signal=KILL:when=2", "error=EIO:when=1",
      "error=ENOSPC:when=1", "error=ENOSPC:when=2", "error=EINTR:when=1..2"}
    for _, case in ipairs(SAVERS) do
      with_folder(function(folder)
        shell.run("mkdir " .. folder .. "/out")
        local first <const>, second <const> = script_of(folder, case, 1, 1),
          script_of(folder, case, 2, 1)
        for _, call in ipairs{"write", "fsync", "renameat", "fchmod"} do
          for _, step in ipairs(STEPS) do
            shell.run(first)
            assert.equal("t." .. case[1], listing(folder .. "/out"))
            local result <const> = shell.run(("strace -f -o /dev/null -e inject=%s:%s %s"):format(
              call, step, second))
            local now <const> = value_in(folder, case)
            assert.is_true(now == 2 or now == 1)
            if result.status == 0 then assert.equal(2, now, call .. " " .. step) end
            if result.status == 1 then -- the folder is synced last, when the file has its name
              assert.matches(now == 2 and "t%." .. case[1] .. " is written, but may not outlive"
                or "cannot write .*t%." .. case[1] .. ": ", result.err)
              assert.equal("t." .. case[1], listing(folder .. "/out"))
            end
          end
        end
      end)
    end
  end)
end)
