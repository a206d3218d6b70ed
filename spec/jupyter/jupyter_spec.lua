--- `braid jupyter`, which installs the kernel, and the kernel itself, run by Jupyter.

local json <const> = require "braid.io.json"
local shell <const> = require "spec.support.shell"
local _ <const> = require "braid"

local function braid(arguments) return shell.run(shell.braid .. " " .. arguments) end

-- The path of a Python that has the module; nil if there is none.
local function python_with(module)
  for _, command in ipairs{os.getenv("BRAID_PYTHON") or "python3", "/usr/bin/python3"} do
    local found <const> = shell.run(("%s -c 'import sys, %s; print(sys.executable)'"):format(
      command, module))
    if found.status == 0 then return found.out:match("^[^\n]+") end
  end
end

-- Installs the kernel in a directory and calls f(directory, environment), where `environment` are
-- shell commands with which Jupyter finds it. Pending if there is no ipykernel.
local function with_kernel(f)
  if shell.sanitized then pending("a core with sanitizers needs its own Lua") end
  if not python_with("ipykernel.kernelbase") then
    pending("no Python here has ipykernel (apt install python3-ipykernel)")
  end
  shell.in_directory(function(directory)
    local made <const> = braid("jupyter install --prefix " .. directory)
    assert.equal(0, made.status, made.err)
    f(directory, ("export JUPYTER_PATH=%s/share/jupyter XDG_STATE_HOME=%s HOME=%s"):format(
      directory, directory, directory))
  end)
end

describe("braid jupyter", function()
  it("installs a kernel and its pictures, and uninstalls nothing else", function()
    with_kernel(function(directory)
      local kernel <const> = directory .. "/share/jupyter/kernels/braid"
      local spec <const> = assert(json.decode(shell.read(kernel .. "/kernel.json")))
      assert.equal("Braid", spec.display_name)
      for _, i in ipairs{1, 3, 4} do -- Python, the kernel, the command
        assert.equal(0, shell.run("test -r " .. spec.argv[i]).status, spec.argv[i])
      end
      for _, side in ipairs{32, 64} do
        local logo <const> = assert(require "braid".load(("%s/logo-%dx%d.png"):format(kernel, side,
          side)))
        assert.same({side, side}, {logo:size(2), logo:size(3)})
      end
      shell.write(kernel .. "/other", "kept")
      assert.equal(0, braid("jupyter uninstall --prefix " .. directory).status)
      assert.equal("other\n", shell.run("ls " .. kernel).out)
      assert.matches("there is no kernel in " .. kernel,
        braid("jupyter uninstall --prefix " .. directory).err, 1, true)
    end)
  end)

  it("finds the folder of the user's kernels as Jupyter does", function()
    local place <const> = require "braid.jupyter.kernel_spec".directory
    assert.equal("/opt/x/share/jupyter/kernels/braid", place("/opt/x"))
    for variables, wanted in pairs{["JUPYTER_DATA_DIR=/j"] = "/j/kernels/braid",
      ["XDG_DATA_HOME=/x"] = "/x/jupyter/kernels/braid",
      ["HOME=/h"] = "/h/.local/share/jupyter/kernels/braid"} do
      local said <const> = shell.run(("unset JUPYTER_DATA_DIR XDG_DATA_HOME\n%s %s jupyter "
        .. "uninstall"):format(variables, shell.braid)).err
      assert.matches("no kernel in " .. wanted, said, 1, true)
    end
  end)

  it("names a wrong argument, and a Python without ipykernel", function()
    for arguments, wanted in pairs{["install --user --prefix /x"] = "two places",
      ["uninstall --python /x"] = "is for install", ["remove"] = "not 'remove'"} do
      local result <const> = braid("jupyter " .. arguments)
      assert.equal(2, result.status)
      assert.matches(wanted, result.err, 1, true)
    end
    local result <const> = braid("jupyter install --python /bin/true --prefix /no/such")
    assert.equal(1, result.status)
    assert.matches("/bin/true has no ipykernel: apt install", result.err, 1, true)
  end)
end)

describe("the kernel of Jupyter", function()
  for path in shell.run("ls examples/notebooks/*.ipynb").out:gmatch("[^\n]+") do
    it("#slow runs " .. path .. ", which is kept without outputs", function()
      local notebook <const> = assert(json.decode(shell.read(path)))
      local count = 0
      for _, cell in ipairs(notebook.cells) do
        count = count + (cell.cell_type == "code" and 1 or 0)
        assert.is_true(cell.outputs == nil or #cell.outputs == 0)
      end
      if shell.run("command -v jupyter-nbconvert").status ~= 0 then
        pending("there is no jupyter-nbconvert (apt install jupyter-nbconvert)")
      end
      with_kernel(function(directory, environment)
        local ran <const> = shell.run(("%s\njupyter-nbconvert --to notebook --execute "
          .. "--output-dir %s --output ran %s"):format(environment, directory, path))
        assert.equal(0, ran.status, ran.err)
        local done <const> = assert(json.decode(shell.read(directory .. "/ran.ipynb")))
        local kinds <const>, ran_cells = {}, 0
        for _, cell in ipairs(done.cells) do
          ran_cells = ran_cells + (math.type(cell.execution_count) == "integer" and 1 or 0)
          for _, output in ipairs(cell.outputs or {}) do
            for kind in pairs(output.data or {}) do kinds[kind] = true end
          end
        end
        assert.equal(count, ran_cells)
        for _, kind in ipairs{"text/html", "image/svg+xml", "image/png"} do
          assert.is_true(kinds[kind], kind)
        end
      end)
    end)
  end

  for _, script in ipairs{"jupyter_features", "jupyter_attacks"} do
    it("#slow passes spec/support/" .. script .. ".py", function()
      local python <const> = python_with("jupyter_kernel_test")
      if not python then
        pending("no Python here has jupyter_kernel_test; BRAID_PYTHON may name one")
      end
      with_kernel(function(_, environment)
        local ran <const> = shell.run(("%s\n%s -W ignore spec/support/%s.py"):format(environment,
          python, script))
        assert.equal(0, ran.status, ran.err)
      end)
    end)
  end
end)
