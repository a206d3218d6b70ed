--- eigh, cholesky, solve and inverse of small matrices: cases that do not fit in the table of
-- ops_spec.lua.

local braid <const> = require "braid"

local function double(values) return braid.tensor(values, {dtype = "float64"}) end

-- Makes a matrix symmetric, so that gradients can be checked element by element.
local function symmetric(x) return x + x:transpose(-1, -2) end

local function close(a, b) return (a - b):abs():max():item() < 1e-12 end

local X <const> = {{3, 0.5, -0.25}, {0.25, 2, 1}, {-0.5, 0.75, 4}}

describe("eigh", function()
  it("gives rising eigenvalues, and vectors from which the matrix can be rebuilt", function()
    local a <const> = symmetric(double {X, {{1, 0, 0}, {0, -2, 0.5}, {1, 1, 0.25}}})
    local w <const>, v <const> = a:eigh()
    assert.same({2, 3}, w.shape)
    assert.is_true(close(a, (v * w:unsqueeze(2)):matmul(v:transpose(2, 3))))
    assert.is_true(close(v:transpose(2, 3):matmul(v),
      braid.eye(3, {dtype = "float64"}):expand(2, 3, 3)))
    local steps <const> = w:narrow(2, 2, 2) - w:narrow(2, 1, 2)
    assert.is_true(steps:min():item() >= 0)
  end)
  it("gives the known eigenvalues of a 2 by 2 matrix", function()
    local w <const> = double({{2, 1}, {1, 2}}):eigh()
    assert.is_true(close(w, double {1, 3}))
  end)
  it("keeps float32, and takes empty matrices", function()
    local w <const>, v <const> = braid.ones(1, 1):eigh()
    assert.same({"float32", "float32"}, {w.dtype, v.dtype})
    assert.same({0}, braid.zeros(0, 0):eigh().shape)
    assert.same({0, 2}, braid.zeros(0, 2, 2):eigh().shape)
  end)
  it("has the gradient that differences give, for eigenvalues and eigenvectors", function()
    local x <const> = double(X):requires_grad_()
    assert(braid.gradcheck(function() return (symmetric(x):eigh()) end, {x}))
    assert(braid.gradcheck(function()
      local w <const>, v <const> = symmetric(x):eigh()
      return v:square():matmul(w) + v:select(2, 1):prod() -- the same for either sign of a vector
        * v:select(2, 1):prod() * 10
    end, {x}))
  end)
end)

describe("cholesky", function()
  it("has the gradient that differences give for symmetric matrices", function()
    local x <const> = double({X, X}):requires_grad_()
    assert(braid.gradcheck(function()
      return x:matmul(x:transpose(2, 3)):cholesky()
    end, {x}))
  end)
end)

describe("solve", function()
  it("gives the same in any memory layout of a", function()
    local a <const>, b <const> = double(X), double {1, 2, 3}
    assert.is_true(close(a:t():solve(b), a:t():contiguous():solve(b)))
    assert.is_true(close(a:matmul(a:solve(b)), b))
  end)
  it("names the matrix that has no solution", function()
    local singular <const> = braid.tensor {{1, 2}, {2, 4}}
    assert.has_error(function() singular:solve(braid.ones(2)) end,
      "solve: matrix 1 of the 1 of shape (2, 2) is singular")
    assert.has_error(function() braid.stack({braid.eye(2), singular}):inverse() end,
      "inverse: matrix 2 of the 2 of shape (2, 2) is singular")
    assert.has_error(function() braid.tensor({{1, 2}, {2, 1}}):cholesky() end,
      "cholesky: matrix 1 of the 1 of shape (2, 2) is not positive definite: its first 2 "
      .. "rows and columns are not")
  end)
  it("names shapes that do not fit", function()
    assert.has_error(function() braid.ones(2, 3):inverse() end,
      "inverse: a must have the shape (..., n, n), not (2, 3)")
    assert.has_error(function() braid.eye(2):solve(braid.ones(3)) end,
      "solve: b must have shape (..., n, k) or (..., n), and (3) does not fit a (2, 2)")
    assert.has_error(function() braid.eye(2, {dtype = "int64"}):inverse() end,
      "inverse: a must be float32 or float64, not int64")
  end)
end)
