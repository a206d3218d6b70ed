--- Tests completion in shells and the man page, which are made from the table of commands.

local _ <const> = require "braid"
local completing <const> = require "spec.support.completing"
local shell <const> = require "spec.support.shell"
local table_of <const> = require "braid.cli.shells.table"

local function run(arguments)
  return shell.run(shell.braid .. " " .. arguments)
end

-- Lines, each with words that must be offered and words that must not be offered.
local function wanted()
  local list <const>, names <const> = {}, {}
  local function add(line, words, no) list[#list + 1] = {line = line, words = words, no = no} end
  for i, row in ipairs(table_of.rows()) do
    names[i] = row.name
    local options <const> = {}
    for k, o in ipairs(row.options) do
      options[k] = "--" .. o.name
      if o.values and o.name ~= "part" then
        local first <const> = o.values[#o.values]
        local begun <const> = first:sub(1, 2)
        add(("braid %s --%s %s"):format(row.name, o.name, begun), {first}, {"README.md"})
        add(("braid %s --%s=%s"):format(row.name, o.name, begun), {first}, {"README.md"})
      elseif o.path == "directory" then
        add(("braid %s --%s sp"):format(row.name, o.name), {"spec"})
      end
    end
    add(("braid %s --"):format(row.name), options, {"README.md"})
    local kind <const> = row.words[1]
    if type(kind) == "table" then
      add(("braid %s "):format(row.name), {kind[1], kind[#kind]})
    elseif kind == "model" then
      add(("braid %s dcn"):format(row.name), {"dcnet"})
      add(("braid %s models/dcn"):format(row.name), {"dcnet.lua"})
    elseif kind == "file" then
      add(("braid %s READ"):format(row.name), {"README.md"})
    elseif kind then
      add(("braid %s sp"):format(row.name), {"spec"})
    end
  end
  names[#names + 1] = "--version"
  for _, name in ipairs(names) do add("braid " .. name:sub(1, 3), {name}) end
  add("braid predict runs/a READ", {"README.md"})
  add("braid train --epochs 3 --json dcn", {"dcnet"})
  return list
end

-- Whether a word is offered. bash and fish offer whole paths, zsh offers the last part of a path.
local function offered(set, word)
  for match in pairs(set) do
    if match:gsub("/$", ""):match("[^/]*$") == word then return true end
  end
  return false
end

describe("completion", function()
  for _, name in ipairs(completing.SHELLS) do
    local there <const> = completing.has(name)
    it(("offers commands, options, values, networks and files in %s%s%s"):format(name, there and ""
      or " (skipped: it is not installed)", name == "bash" and "" or " #slow"), function()
      if not there then pending(name .. " is not installed") end
      shell.in_directory(function(dir)
        local made <const> = dir .. "/completion"
        shell.write(made, run("completion " .. name).out)
        local list <const>, lines <const> = wanted(), {}
        for i, row in ipairs(list) do lines[i] = row.line end
        local offers <const> = completing.offers(name, made, lines, dir)
        assert.equal(#list, #offers)
        for i, row in ipairs(list) do
          for _, word in ipairs(row.words) do
            assert.is_true(offered(offers[i], word), ("%s: %s"):format(row.line, word))
          end
          for _, word in ipairs(row.no or {}) do
            assert.is_false(offered(offers[i], word), ("%s: %s"):format(row.line, word))
          end
        end
      end)
    end)
  end

  it("ends with an error for an unknown shell, which lists the known shells", function()
    local result <const> = run("completion tcsh")
    assert.equal(2, result.status)
    assert.matches("bash, zsh, fish or man, not 'tcsh'", result.err, 1, true)
  end)
end)

describe("make install", function()
  local function installed(f)
    if shell.sanitized then pending("the stock Lua cannot load a core with sanitizers") end
    shell.in_directory(function(dir)
      local made <const> = shell.run(("make DEPS=no BUILD=%s install PREFIX=%s/usr"):format(
        shell.build, dir))
      assert(made.status == 0, made.err)
      f(dir, dir .. "/usr/share")
    end)
  end

  it("puts completions where shells look for them #slow", function()
    installed(function(dir, share)
      local env <const> = ("HOME=%s XDG_DATA_DIRS=%s PATH=%s/usr/bin:$PATH"):format(dir, share, dir)
      assert.equal(run("completion zsh").out, shell.read(share .. "/zsh/site-functions/_braid"))
      if shell.run("test -e /usr/share/bash-completion/bash_completion").status == 0 then
        assert.equal("complete -F _braid braid\n", shell.run(("%s bash --norc -c '. %s; "
          .. "_completion_loader braid; complete -p braid'"):format(env,
          "/usr/share/bash-completion/bash_completion")).out)
      end
      if completing.has "fish" then
        assert.matches("^train\t", shell.run(env .. " fish -c 'complete -C \"braid tra\"'").out)
      end
      if completing.has "zsh" then
        local got <const> = shell.run(("%s zsh -f -c 'fpath=(%s/zsh/site-functions $fpath); "
          .. "autoload -Uz compinit; compinit -u -D; print $_comps[braid]'"):format(env, share))
        assert.equal("_braid\n", got.out)
      end
    end)
  end)

  local linter <const> = completing.has "mandoc"
  local reader <const> = completing.has "man"
  it("installs a man page without warnings" .. (linter and reader and ""
    or " (skipped in part: man or mandoc is not installed)"), function()
    installed(function(_, share)
      local page <const> = share .. "/man/man1/braid.1"
      local text <const> = shell.read(page)
      for _, row in ipairs(table_of.rows()) do
        assert.is_truthy(text:find("\n.SS braid " .. row.name, 1, true), row.name)
      end
      local epoch <const> = "SOURCE_DATE_EPOCH=86400 " .. shell.braid .. " completion man"
      assert.matches("^%.TH BRAID 1 1970%-01%-02 ", shell.run(epoch).out)
      if linter then assert.equal("", shell.run("mandoc -T lint " .. page).out) end
      if reader then
        local shown <const> = shell.run(("MANPATH=%s/man MANWIDTH=80 LC_ALL=C man --warnings "
          .. "braid"):format(share))
        assert.equal("", shown.err)
        assert.equal(0, shown.status)
        assert.matches("braid train DEFINITION", shown.out, 1, true)
        assert.matches("--epochs VALUE", shown.out, 1, true)
      end
    end)
  end)
end)
