--- mtl.ttc_update: task transfer as in algorithm 1 of the dynamic multi-task network's paper (Fang
-- et al. 2017). Columns run separately, and each weight takes the updates of all tasks,
--   W_i <- W_i + sum_j alpha_ij V_j,  alpha_ij = sigmoid(beta_ij), alpha_ii = 1,
-- where V_j is the optimizer's step for the same weight of column j on task j's loss.
--
-- If all alpha are 1 and columns start equal, this is hard sharing. If alpha_ij = 0 for i ~= j, the
-- columns are single-task networks.
-- @usage
-- local net = mtl.columns(tasks, nn.backbone("tcdcn", {input = 40}), {init = "copy"}):heads()
-- local opt = mtl.ttc_update(net, optim.SGD(net:parameters(), {lr = 0.1}), {start = 0.1})
-- tasks:loss(net(batch.image), batch):backward()
-- opt:step()
--
-- Beta moves against its gradient (equation 11). W_i depends on alpha_ij through V_j, so
-- dc/dalpha_ij = <dc/dW_i, V_j>. V_j is the last step that column j took; if tasks take turns, it
-- is the step of task j's last turn. Each block and pair of tasks has one beta, which moves by
-- beta_lr times its gradient. Gradients come from the step's own backward pass. If a task has no
-- label in the batch, its column has no gradient and gives no update. Weights of heads only take
-- their own task's updates.
-- Decisions: c is c_i, the cost of the weight's own column, although the equation prints c_j. When
-- columns run separately, c_j depends only on W_j. So the literal reading (cost = "j") gives
-- <dc_j/dW_j, V_j>, which is the same for every i and does not tell how i and j fit together.
-- dW_j/dW_i in equation 10 is 1 for each weight. Line 5 of the algorithm sums over i, which must
-- mean j.
-- Options: start (0.5; the first alpha_ij), beta_lr (1), cost ("i" or "j"). A schedule sets
-- opt.factor, as for any optimizer; it does not change the rate of beta.

local check <const> = require "braid.check"
local class <const> = require "braid.class"
local core <const> = require "braid.core"
local grad <const> = require "braid.grad"
local ops <const> = core.ops

local Update <const> = class("ttc_update")

local function logit(p)
  if p <= 0 then return -math.huge end
  return p >= 1 and math.huge or math.log(p / (1 - p))
end

local function sigmoid(b) return 1 / (1 + math.exp(-b)) end

-- For each weight of a block, a list of the columns' tensors in order. For stacked columns they are
-- views.
local function weights_of(net, block)
  local list <const>, count <const> = {}, #net.names
  local stacked <const> = net.columns.stacked
  if stacked then
    for _, p in ipairs(stacked[block]:parameters()) do list[#list + 1] = {stacked = p} end
    return list
  end
  for i, name in ipairs(net.names) do
    for k, p in ipairs(net.columns[name][block]:parameters()) do
      list[k] = list[k] or {}
      list[k][i] = p
    end
  end
  for _, w in ipairs(list) do
    if #w ~= count then
      check.fail("mtl.ttc_update: the columns differ at block '%s', but they must be equal: give "
        .. "every task the same backbone", block)
    end
  end
  return list
end

-- The columns' values or gradients as rows (T, d), with 0 for a column without a gradient; nil if
-- no column has a gradient.
local function rows_of(weight, count, pick)
  if weight.stacked then
    local t <const> = pick(weight.stacked)
    return t and ops.reshape(t, count, -1)
  end
  local rows <const>, any = {}, false
  for i = 1, count do
    local t <const> = pick(weight[i])
    any = any or t ~= nil
    rows[i] = ops.reshape(t or core.like(weight[i], weight[i].dtype, 0), 1, -1)
  end
  return any and ops.cat(rows, 1) or nil
end

local function value(p) return core.detach(p) end
local function gradient(p) return p.grad end

local function store(weight, rows)
  if weight.stacked then
    weight.stacked:copy_(ops.reshape(rows, weight.stacked.shape))
    return
  end
  for i, p in ipairs(weight) do p:copy_(ops.reshape(ops.select(rows, 1, i), p.shape)) end
end

local OPTIONS <const> = check.declare("mtl.ttc_update", {
  start = check.number{0.5, from = 0, to = 1}, beta_lr = check.number{1, from = 0},
  cost = check.choice{"i", "j"},
})

function Update:init(net, optimizer, given)
  local o <const> = check.options(OPTIONS, given)
  if type(net) ~= "table" or not net.columns or #net.names < 2 then
    check.fail("mtl.ttc_update: wants a network with two columns or more")
  end
  if type(optimizer) ~= "table" or not optimizer.step then
    check.fail("mtl.ttc_update: wants an optimizer of net:parameters(), not a %s", type(optimizer))
  end
  if next(net.mixer) then
    check.fail("mtl.ttc_update: the columns must run alone; build the network without a mixer")
  end
  if net.columns.stacked and not net.columns:is_stacked() then
    check.fail("mtl.ttc_update: %s; make the optimizer after that", select(2, net:stacked()))
  end
  self.net, self.optimizer, self.beta_lr, self.cost = net, optimizer, o.beta_lr, o.cost
  self.beta, self.last, self.names = {}, {}, table.concat(net.names, ", ")
  for place, block in ipairs(net.recipe.plan.names) do
    if place > net.recipe.split then
      local rows <const> = {}
      for i = 1, #net.names do
        rows[i] = {}
        for j = 1, #net.names do rows[i][j] = logit(o.start) end
      end
      self.beta[block] = rows
    end
  end
end

function Update:zero_grad() self.optimizer:zero_grad() end

--- Everything that a later run needs to go on. The tensors are the optimizer's own, not copies.
function Update:state_dict()
  return {optimizer = self.optimizer:state_dict(), beta = self.beta, last = self.last,
    factor = self.factor}
end

--- Continues from the state_dict of a network with the same blocks and columns.
function Update:load_state_dict(dict)
  if type(dict) ~= "table" or type(dict.beta) ~= "table" or type(dict.last) ~= "table" then
    check.fail("load_state_dict: this is not the state of an mtl.ttc_update")
  end
  for _, block in ipairs(check.sorted_keys(self.beta)) do
    local rows <const> = dict.beta[block]
    if type(rows) ~= "table" or #rows ~= #self.beta[block] then
      check.fail("load_state_dict: the state has %s columns at block '%s', the network has %d",
        type(rows) == "table" and #rows or "no", block, #self.beta[block])
    end
  end
  self.optimizer:load_state_dict(dict.optimizer)
  self.factor, self.last = dict.factor, {}
  for block, rows in pairs(self.beta) do
    for i, row in ipairs(rows) do table.move(dict.beta[block][i], 1, #row, 1, row) end
  end
  for key, rows in pairs(dict.last) do self.last[key] = core.keep(ops.clone(rows)) end
end

--- The alpha of each block, as T rows of T.
-- @treturn table<string, number[][]>
function Update:alpha()
  local all <const> = {}
  for block, beta in pairs(self.beta) do
    all[block] = {}
    for i, row in ipairs(beta) do
      all[block][i] = {}
      for j, b in ipairs(row) do all[block][i][j] = i == j and 1 or sigmoid(b) end
    end
  end
  return all
end

-- Moves beta by its gradient, which tells how the last step of the weights changed the costs.
local function move_beta(self, block, weights)
  local count <const>, beta <const> = #self.net.names, self.beta[block]
  local total
  for k, weight in ipairs(weights) do
    local last <const>, g <const> = self.last[block .. k], rows_of(weight, count, gradient)
    if last and g then
      local products <const> = ops.matmul(g, ops.t(last))
      total = total and total + products or products
    end
  end
  if not total then return end
  local slopes <const> = total:totable()
  for i, row in ipairs(slopes) do
    for j in ipairs(row) do
      local d <const> = slopes[self.cost == "j" and j or i][j]
      local a <const> = sigmoid(beta[i][j])
      if i ~= j and a > 0 and a < 1 then -- an alpha of 0 or 1 stays
        beta[i][j] = beta[i][j] - self.beta_lr * d * a * (1 - a)
      end
    end
  end
end

-- Notes the steps (T, d) of a block's weights. A column that took no step, because it was not its
-- turn, keeps its last step.
local function note_steps(self, block, steps)
  local moved
  for _, step in ipairs(steps) do
    local own <const> = ops.any(ops.ne(step, 0), 2, true)
    moved = moved and ops.logical_or(moved, own) or own
  end
  for k, step in ipairs(steps) do
    local last <const> = self.last[block .. k]
    if last then
      last:copy_(ops.where(moved, step, last))
    else
      self.last[block .. k] = core.keep(step)
    end
  end
end

--- Takes a step: the updates of all tasks, weighted by alpha, and then the step of beta.
function Update:step()
  local columns <const> = table.concat(self.net.names, ", ")
  if columns ~= self.names then
    check.fail("mtl.ttc_update: it was made for the columns %s, but the network now has %s: make "
      .. "it and its optimizer anew", self.names, columns)
  end
  local _ <close> = grad.scope()
  local _ <close> = grad.no_grad()
  local count <const>, blocks <const> = #self.net.names, check.sorted_keys(self.beta)
  local weights <const>, before <const> = {}, {}
  for _, block in ipairs(blocks) do
    weights[block] = weights_of(self.net, block)
    move_beta(self, block, weights[block])
    for k, w in ipairs(weights[block]) do
      before[block .. k] = ops.clone(rows_of(w, count, value))
    end
  end
  if self.factor then self.optimizer.factor = self.factor end
  self.optimizer:step()
  local alpha <const> = self:alpha()
  for _, block in ipairs(blocks) do
    for i = 1, count do alpha[block][i][i] = 0 end -- its own step is already taken
    local mixing <const> = core.from_table(alpha[block], "float64")
    local steps <const> = {}
    for k, w in ipairs(weights[block]) do
      local now <const> = rows_of(w, count, value)
      steps[k] = now - before[block .. k]
      store(w, now + ops.matmul(mixing:to(now.dtype), steps[k]))
    end
    note_steps(self, block, steps)
  end
end

return Update
