--- Two ways to compute one result must agree, in values and gradients. And properties that hold
-- exactly: of operators in place, optimizers, averages, schedules and curves.

local braid <const> = require "braid"
local core <const> = require "braid.core"

local F <const>, nn <const>, optim <const> = braid.F, braid.nn, braid.optim

local F64 <const> = {dtype = "float64"}
local function real(...) return braid.randn({...}, F64) end
local function apart(...) -- values of which no two are equal
  local n = 1
  for _, s in ipairs {...} do n = n * s end
  return ((braid.randperm(n):to("float64") - n / 2) * 0.37):reshape({...})
end
local function whole(low, high, ...) return braid.randint(low, high, {...}) end

-- Each row: a name, inputs (float inputs are differentiated), one way, another way, and a tolerance
-- if results round.
local DUALS <const> = {}
local function dual(name, make, one, other, tolerance)
  DUALS[#DUALS + 1] = {name = name, make = make, one = one, other = other, tolerance = tolerance}
end

-- ---- orders and reductions ----

dual("max is the last of sort", function() return apart(4, 5) end,
  function(x) return (x:max(2)) end, function(x) return (x:sort(2))[{{}, -1}] end)
dual("max is topk's first", function() return apart(4, 5) end,
  function(x) return (x:max(1)) end, function(x) return (x:topk(1, 1))[1] end)
dual("min is -max(-x)", function() return apart(4, 5) end,
  function(x) return (x:min(2)) end, function(x) return -(-x):max(2) end)
dual("max without a dimension is max of the maxima", function() return apart(4, 5) end,
  function(x) return x:max() end, function(x) return (((x:max(2))):max(1)) end)
dual("maximum is a max over a stack", function() return apart(12), apart(12) + 0.1 end,
  function(a, b) return a:maximum(b) end,
  function(a, b) return (braid.stack({a, b}, 1):max(1)) end)
dual("argmax finds max", function() return apart(6, 7) end,
  function(x) return (x:max(2)) end,
  function(x) return x:gather(2, x:argmax(2, true)):squeeze(2) end)
dual("median is the middle of sort", function() return apart(7, 3) end,
  function(x) return (x:median(1)) end, function(x) return (x:sort(1))[4] end)
dual("sort is a gather by argsort", function() return apart(5, 6) end,
  function(x) return (x:sort(2, true)) end, function(x) return x:gather(2, x:argsort(2, true)) end)
dual("topk of all is sort", function() return apart(5, 6) end,
  function(x) return (x:topk(6, 2)) end, function(x) return (x:sort(2, true)) end)
dual("the sum of the parts' sums is the sum", function() return real(9, 7) end,
  function(x) return x:sum() end, function(x)
    local total = 0
    for _, part in ipairs {x:split(2, 1)} do total = total + part:sum() end
    return total
  end, 1e-13)
dual("the last value of cumsum is the sum", function() return real(6, 7) end,
  function(x) return x:cumsum(2)[{{}, -1}] end, function(x) return x:sum(2) end, 1e-13)
dual("mean is sum over n", function() return real(6, 7) end,
  function(x) return x:mean(1) end, function(x) return x:sum(1) / 6 end, 1e-14)
dual("var is std squared", function() return real(6, 7) end,
  function(x) return x:var(2) end, function(x) return x:std(2):square() end, 1e-13)
dual("var is the mean square of deviations", function() return real(6, 7) end,
  function(x) return x:var({1, 2}, false, false) end,
  function(x) return (x - x:mean()):square():mean() end, 1e-13)
dual("prod is exp of the sum of logs", function() return real(4, 5):abs() + 0.1 end,
  function(x) return x:prod(2) end, function(x) return x:log():sum(2):exp() end, 1e-12)
dual("norm is the root of the sum of squares", function() return real(4, 5) end,
  function(x) return x:norm(2, 2) end, function(x) return x:square():sum(2):sqrt() end, 1e-13)
dual("norm of 1 is the sum of absolutes", function() return real(4, 5) end,
  function(x) return x:norm(1, 1) end, function(x) return x:abs():sum(1) end, 1e-13)
dual("norm of infinity is the largest absolute", function() return apart(4, 5) + 0.01 end,
  function(x) return x:norm(math.huge, 2) end, function(x) return (x:abs():max(2)) end)
dual("logsumexp is the log of the sum of exps", function() return real(4, 5) end,
  function(x) return x:logsumexp(2) end, function(x) return x:exp():sum(2):log() end, 1e-13)
dual("count_nonzero counts", function() return whole(0, 2, 5, 6) end,
  function(x) return x:count_nonzero(2) end, function(x) return x:ne(0):sum(2) end)
dual("any is the opposite of all opposites", function() return whole(0, 1, 5, 3):to("bool") end,
  function(x) return x:any(2) end, function(x) return x:logical_not():all(2):logical_not() end)

-- ---- softmax and losses ----

dual("log_softmax is log of softmax", function() return real(4, 5) end,
  function(x) return x:log_softmax(2) end, function(x) return x:softmax(2):log() end, 1e-12)
dual("log_softmax is x - logsumexp", function() return real(4, 5) * 30 end,
  function(x) return x:log_softmax(1) end, function(x) return x - x:logsumexp(1, true) end, 1e-12)
dual("cross_entropy is nll of log_softmax", function() return real(6, 4), whole(1, 4, 6) end,
  function(x, t) return F.cross_entropy(x, t) end,
  function(x, t) return F.nll(x:log_softmax(2), t) end, 1e-13)
dual("weighted cross_entropy is weighted nll of log_softmax",
  function() return real(6, 3), whole(1, 3, 6) end,
  function(x, t) return F.cross_entropy(x, t, {weight = braid.tensor({1, 2, 0.5}, F64)}) end,
  function(x, t)
    return F.nll(x:log_softmax(2), t, {weight = braid.tensor({1, 2, 0.5}, F64)})
  end, 1e-13)
dual("cross_entropy of labels is that of one-hot shares",
  function() return real(6, 4), whole(1, 4, 6) end,
  function(x, t) return F.cross_entropy(x, t) end,
  function(x, t) return F.cross_entropy(x, t:one_hot(4):to("float64")) end, 1e-13)
dual("label_smoothing is cross_entropy of smoothed shares",
  function() return real(6, 4), whole(1, 4, 6) end,
  function(x, t) return F.cross_entropy(x, t, {label_smoothing = 0.2}) end,
  function(x, t)
    return F.cross_entropy(x, t:one_hot(4):to("float64") * 0.8 + 0.05)
  end, 1e-13)
dual("focal of gamma 0 is cross_entropy", function() return real(6, 4), whole(1, 4, 6) end,
  function(x, t) return F.focal(x, t, {gamma = 0}) end,
  function(x, t) return F.cross_entropy(x, t) end, 1e-13)
dual("bce of sigmoid is bce_with_logits", function() return real(4, 5), braid.rand(4, 5, F64) end,
  function(x, t) return F.bce(x:sigmoid(), t:detach()) end,
  function(x, t) return F.bce_with_logits(x, t:detach()) end, 1e-12)
dual("bce_with_logits is cross_entropy of two classes", function() return real(7), whole(1, 2,
  7) end,
  function(x, t) return F.bce_with_logits(x, (t - 1):to("float64")) end,
  function(x, t) return F.cross_entropy(braid.stack({x * 0, x}, 2), t) end, 1e-13)
dual("kl_div is cross_entropy less entropy", function() return real(4, 5), real(4, 5) end,
  function(x, t)
    return F.kl_div(x:log_softmax(2), t:softmax(2):detach(), {reduction = "batchmean"})
  end, function(x, t)
    local p <const> = t:softmax(2):detach()
    return F.cross_entropy(x, p) + (p * p:log()):sum() / 4
  end, 1e-13)
dual("kl_div of targets is that of log targets", function() return real(4, 5), real(4, 5) end,
  function(x, t) return F.kl_div(x:log_softmax(2), t:softmax(2)) end,
  function(x, t) return F.kl_div(x:log_softmax(2), t:log_softmax(2), {log_target = true}) end,
    1e-13)
dual("mse is twice a wide huber", function() return real(4, 5), real(4, 5) end,
  function(x, t) return F.mse(x, t) end,
  function(x, t) return F.huber(x, t, {delta = 100}) * 2 end, 1e-13)
dual("smooth_l1 is huber over beta", function() return real(4, 5), real(4, 5) end,
  function(x, t) return F.smooth_l1(x, t, {beta = 0.5}) end,
  function(x, t) return F.huber(x, t, {delta = 0.5}) / 0.5 end, 1e-13)
dual("l1 is smooth_l1 of beta 0", function() return real(4, 5), real(4, 5) end,
  function(x, t) return F.l1(x, t) end, function(x, t) return F.smooth_l1(x, t, {beta = 0}) end)
for _, name in ipairs {"mse", "l1", "huber", "smooth_l1", "wing"} do
  dual(name .. " with a mask is that with weights 0 and 1",
    function() return real(4, 5), real(4, 5) end, function(x, t)
      return F[name](x, t, {mask = braid.tensor {true, false, true, true, false},
        reduction = "sum"})
    end, function(x, t)
      return F[name](x, t, {weight = braid.tensor({1, 0, 1, 1, 0}, F64), reduction = "sum"})
    end, 1e-13)
end

-- ---- choosing and moving ----

local MASK <const> = braid.tensor {{true, false, true}, {false, false, true}}
dual("where is masked_fill", function() return real(2, 3) end,
  function(x) return x:masked_fill(MASK, 7) end, function(x) return braid.where(MASK, 7, x) end)
dual("where is a sum of masked parts", function() return real(2, 3), real(2, 3) end,
  function(a, b) return braid.where(MASK, a, b) end,
  function(a, b) return a * MASK + b * MASK:logical_not() end)
dual("masked_select is an index that is a mask", function() return real(2, 3) end,
  function(x) return x:masked_select(MASK) end, function(x) return x[MASK] end)
dual("an index of rows is index_select", function() return real(4, 3), whole(1, 4, 5) end,
  function(x, i) return x[i] end, function(x, i) return x:index_select(1, i) end)
dual("gather of whole rows is index_select", function() return real(4, 3), whole(1, 4, 5) end,
  function(x, i) return x:gather(1, i:reshape(5, 1):expand(5, 3)) end,
  function(x, i) return x:index_select(1, i) end)
dual("take is an index of the flat tensor", function() return real(4, 3), whole(1, 12, 5) end,
  function(x, i) return x:take(i) end, function(x, i) return x:reshape(-1)[i] end)
dual("embedding is index_select", function() return real(4, 3), whole(1, 4, 2, 3) end,
  function(w, i) return F.embedding(i, w) end,
  function(w, i) return w:index_select(1, i:reshape(-1)):reshape(2, 3, 3) end)
dual("scatter_add is a product with one-hot rows", function() return real(5, 3), whole(1, 4, 5) end,
  function(x, i)
    return braid.zeros(4, 3, F64):scatter_add(1, i:reshape(5, 1):expand(5, 3), x)
  end, function(x, i) return i:one_hot(4):to("float64"):t():matmul(x) end, 1e-14)
dual("index_add is scatter_add", function() return real(4, 3), whole(1, 4, 5), real(5, 3) end,
  function(x, i, s) return x:index_add(1, i, s) end,
  function(x, i, s) return x:scatter_add(1, i:reshape(5, 1):expand(5, 3), s) end)
dual("gather undoes the scatter of a permutation", function() return real(6),
  braid.randperm(6) end,
  function(x) return x * 1 end,
  function(x, i) return braid.zeros(6, F64):scatter(1, i, x):gather(1, i) end)
dual("cat undoes split", function() return real(7, 4) end,
  function(x) return x * 1 end, function(x) return braid.cat({x:split(3, 1)}, 1) end)
dual("chunk is split", function() return real(7, 4) end,
  function(x) return (select(2, x:chunk(3, 1))) end, function(x) return (select(2, x:split(3,
    1))) end)
dual("stack is cat of unsqueezed", function() return real(3, 4), real(3, 4) end,
  function(a, b) return braid.stack({a, b}, 2) end,
  function(a, b) return braid.cat({a:unsqueeze(2), b:unsqueeze(2)}, 2) end)
dual("repeat_ is cat", function() return real(3, 4) end,
  function(x) return x:repeat_(2, 3) end,
  function(x)
    local row <const> = braid.cat({x, x, x}, 2)
    return braid.cat({row, row}, 1)
  end, 1e-15)
dual("flip is an index of falling numbers, and flip twice changes nothing",
  function() return real(5, 3) end,
  function(x) return x:flip(1, 2):flip(2) end,
  function(x) return x[braid.tensor({5, 4, 3, 2, 1}, {dtype = "int64"})] end)
dual("roll is cat of the parts", function() return real(5, 3) end,
  function(x) return x:roll(2, 1) end,
  function(x) return braid.cat({x[{{4, 5}}], x[{{1, 3}}]}, 1) end)
dual("unfold is a stack of parts", function() return real(7, 2) end,
  function(x) return x:unfold(1, 3, 2) end, function(x)
    return braid.stack({x[{{1, 3}}]:t(), x[{{3, 5}}]:t(), x[{{5, 7}}]:t()}, 1)
  end)
dual("nonzero gives the indices of the values that are not 0",
  function() return whole(0, 1, 4, 5) end,
  function(x) return x:nonzero() end, function(x)
    local rows <const> = {}
    for i, row in ipairs(x:totable()) do
      for j, v in ipairs(row) do
        if v ~= 0 then rows[#rows + 1] = {i, j} end
      end
    end
    return braid.tensor(rows, {dtype = "int64"})
  end)

-- ---- padding: crop, then pad ----

dual("pad with a constant is cat", function() return real(2, 3) end,
  function(x) return F.pad(x, {2, 1}, "constant", 5) end,
  function(x)
    return braid.cat({braid.full({2, 2}, 5, F64), x, braid.full({2, 1}, 5, F64)}, 2)
  end)
dual("pad by reflection is cat of flips", function() return real(2, 5) end,
  function(x) return F.pad(x, {3, 2}, "reflect") end, function(x)
    return braid.cat({x[{{}, {2, 4}}]:flip(2), x, x[{{}, {3, 4}}]:flip(2)}, 2)
  end, 1e-15)
dual("circular pad is cat of ends", function() return real(2, 5) end,
  function(x) return F.pad(x, {3, 2}, "circular") end,
  function(x) return braid.cat({x[{{}, {3, 5}}], x, x[{{}, {1, 2}}]}, 2) end)
dual("pad by repetition is cat of edges", function() return real(2, 5) end,
  function(x) return F.pad(x, {3, 2}, "replicate") end, function(x)
    return braid.cat({x[{{}, {1, 1}}]:expand(2, 3), x, x[{{}, {5, 5}}]:expand(2, 2)}, 2)
  end)
for _, mode in ipairs {"constant", "reflect", "replicate", "circular"} do
  for _, pads in ipairs {{-1, 2, 0, 0}, {2, -1, 0, 0}, {-2, -1, 1, 1}, {1, -2, -1, 2}, {-1, 3,
    2, -2},
    {0, -3, 0, 0}, {-2, 1, -1, -1}} do
    dual(("pad %s {%s} crops and then pads"):format(mode, table.concat(pads, ", ")),
      function() return real(6, 7) end,
      function(x) return F.pad(x, pads, mode) end, function(x)
        local crop <const>, grow <const> = {}, {}
        for i, p in ipairs(pads) do crop[i], grow[i] = math.max(-p, 0), math.max(p, 0) end
        local part <const> = x[{{1 + crop[3], 6 - crop[4]}, {1 + crop[1], 7 - crop[2]}}]
        return F.pad(part, grow, mode)
      end, 1e-15)
  end
end

-- ---- products ----

dual("matmul is einsum", function() return real(3, 4), real(4, 5) end,
  function(a, b) return a:matmul(b) end,
  function(a, b) return braid.einsum("ij,jk->ik", a, b) end, 1e-14)
dual("bmm is einsum and a loop", function() return real(2, 3, 4), real(2, 4, 5) end,
  function(a, b) return a:bmm(b) end,
  function(a, b) return braid.stack({a[1]:mm(b[1]), a[2]:mm(b[2])}, 1) end, 1e-14)
dual("a batched matmul broadcasts", function() return real(2, 3, 4), real(4, 5) end,
  function(a, b) return a:matmul(b) end,
  function(a, b) return braid.einsum("bij,jk->bik", a, b) end, 1e-14)
dual("dot is a sum of products", function() return real(7), real(7) end,
  function(a, b) return a:dot(b) end, function(a, b) return (a * b):sum() end, 1e-14)
dual("outer is a matmul of (n, 1) and (1, m)", function() return real(3), real(4) end,
  function(a, b) return a:outer(b) end,
  function(a, b) return a:reshape(3, 1):matmul(b:reshape(1, 4)) end, 1e-14)
dual("mv is matmul with (m, 1)", function() return real(3, 4), real(4) end,
  function(a, b) return a:mv(b) end,
  function(a, b) return a:matmul(b:unsqueeze(2)):squeeze(2) end, 1e-14)
dual("addmm is a weighted sum of c and matmul",
  function() return real(3, 5), real(3, 4), real(4, 5) end,
  function(c, a, b) return c:addmm(a, b, {alpha = 2, beta = 0.5}) end,
  function(c, a, b) return c * 0.5 + a:matmul(b) * 2 end, 1e-13)
dual("linear is matmul and bias", function() return real(6, 4), real(3, 4), real(3) end,
  function(x, w, b) return F.linear(x, w, b) end,
  function(x, w, b) return x:matmul(w:t()) + b end, 1e-13)
dual("bilinear is einsum", function() return real(6, 4), real(6, 3), real(2, 4, 3) end,
  function(a, b, w) return F.bilinear(a, b, w) end,
  function(a, b, w) return braid.einsum("np,opq,nq->no", a, w, b) end, 1e-13)
dual("einsum ij->ji is a transpose", function() return real(4, 4) end,
  function(x) return braid.einsum("ij->ji", x):sum(1) end, function(x) return x:sum(2) end, 1e-14)
dual("solve is matmul with the inverse",
  function() return real(4, 4) + braid.eye(4, F64) * 5, real(4, 2) end,
  function(a, b) return a:solve(b) end, function(a, b) return a:inverse():matmul(b) end, 1e-11)

-- ---- images ----

dual("conv1d is conv2d of one row", function() return real(2, 3, 9), real(4, 3, 3), real(4) end,
  function(x, w, b) return F.conv1d(x, w, b, {stride = 2, padding = 1}) end,
  function(x, w, b)
    return F.conv2d(x:unsqueeze(3), w:unsqueeze(3), b, {stride = {1, 2}, padding = {0,
      1}}):squeeze(3)
  end, 1e-13)
dual("a convolution of 1x1 is a product", function() return real(2, 3, 4, 5), real(6, 3, 1, 1) end,
  function(x, w) return F.conv2d(x, w) end,
  function(x, w) return braid.einsum("nchw,oc->nohw", x, w:reshape(6, 3)) end, 1e-13)
dual("groups are convolutions side by side", function() return real(2, 4, 5, 5), real(6, 2, 3,
  3) end,
  function(x, w) return F.conv2d(x, w, nil, {groups = 2, padding = 1}) end,
  function(x, w)
    return braid.cat({F.conv2d(x[{{}, {1, 2}}], w[{{1, 3}}], nil, {padding = 1}),
      F.conv2d(x[{{}, {3, 4}}], w[{{4, 6}}], nil, {padding = 1})}, 2)
  end, 1e-12)
dual("a padded convolution is that of the padded image", function() return real(2, 3, 5, 6),
  real(4, 3, 3, 3) end,
  function(x, w) return F.conv2d(x, w, nil, {padding = {1, 2}}) end,
  function(x, w) return F.conv2d(F.pad(x, {2, 2, 1, 1}), w) end, 1e-12)
dual("a convolution is a product with windows", function() return real(2, 3, 6, 5), real(4, 3,
  3, 2) end,
  function(x, w) return F.conv2d(x, w, nil, {stride = {1, 2}}) end,
  function(x, w) return braid.einsum("ncabij,ocij->noab", x:unfold(3, 3, 1):unfold(4, 2, 2),
    w) end, 1e-12)
dual("conv_transpose2d is conv2d of an image with zeros between",
  function() return real(2, 4, 3, 3),
  real(4, 3, 3, 3) end,
  function(y, w) return F.conv_transpose2d(y, w, nil, {stride = 2, padding = 1}) end,
  function(y, w)
    local holes = braid.zeros(2, 4, 5, 5, F64)
    local index <const> = braid.tensor({1, 3, 5}, {dtype = "int64"})
    holes = holes:index_add(3, index, braid.zeros(2, 4, 3, 5, F64):index_add(4, index, y))
    return F.conv2d(holes, w:transpose(1, 2):flip(3, 4), nil, {padding = 1})
  end, 1e-12)
dual("avg_pool2d is a mean of windows", function() return real(2, 3, 6, 4) end,
  function(x) return F.avg_pool2d(x, {3, 2}) end,
  function(x) return x:unfold(3, 3, 3):unfold(4, 2, 2):mean({5, 6}) end, 1e-14)
dual("max_pool2d is a max of windows", function() return apart(2, 3, 6, 4) end,
  function(x) return (F.max_pool2d(x, {3, 2})) end,
  function(x) return (x:unfold(3, 3, 3):unfold(4, 2, 2):flatten(5, 6):max(5)) end)
dual("lp_pool2d of 1 is a sum of windows", function() return real(2, 3, 6, 4):abs() + 0.1 end,
  function(x) return F.lp_pool2d(x, 1, 2) end, function(x) return F.avg_pool2d(x, 2) * 4 end, 1e-13)
dual("adaptive pooling to 1 is the mean", function() return real(2, 3, 5, 4) end,
  function(x) return F.adaptive_avg_pool2d(x, 1):flatten(2) end,
  function(x) return F.global_avg_pool(x):flatten(2) end, 1e-14)
dual("interpolate to the same size changes nothing", function() return real(2, 3, 5, 4) end,
  function(x) return F.interpolate(x, {size = {5, 4}, mode = "bilinear"}) end,
  function(x) return x * 1 end)
dual("interpolate to the same size changes nothing, aligned",
  function() return real(2, 3, 5, 4) end,
  function(x) return F.interpolate(x, {size = {5, 4}, mode = "bilinear", align_corners = true}) end,
  function(x) return F.interpolate(x, {size = {5, 4}}) end)
dual("interpolate from n to 2 n - 1 pixels keeps the n pixels", function() return real(2, 3, 5,
  4) end,
  function(x)
    local y <const> = F.interpolate(x, {size = {9, 7}, mode = "bilinear", align_corners = true})
    return y[{{}, {}, {1, 9, 2}, {1, 7, 2}}]
  end, function(x) return x * 1 end, 1e-15)
dual("nearest interpolation repeats each pixel", function() return real(2, 3, 2, 2) end,
  function(x) return F.interpolate(x, {scale_factor = 2}) end, function(x)
    return x:unsqueeze(4):unsqueeze(6):expand(2, 3, 2, 2, 2, 2):reshape(2, 3, 4, 4)
  end)
for _, corners in ipairs {true, false} do
  dual("grid_sample of the identity changes nothing, align_corners " .. tostring(corners),
    function() return real(2, 3, 5, 4) end,
    function(x)
      local same <const> = braid.tensor({{{1, 0, 0}, {0, 1, 0}}}, F64):expand(2, 2, 3)
      local grid <const> = F.affine_grid(same, {2, 3, 5, 4}, {align_corners = corners})
      return F.grid_sample(x, grid, {align_corners = corners})
    end, function(x) return x * 1 end, 1e-13)
end
dual("pixel_shuffle is a permutation", function() return real(2, 8, 3, 2) end,
  function(x) return F.pixel_shuffle(x, 2) end,
  function(x) return x:reshape(2, 2, 2, 2, 3, 2):permute(1, 2, 5, 3, 6, 4):reshape(2, 2, 6, 4) end)

-- ---- normalisations and activations ----

dual("layer_norm is group_norm of one group", function() return real(3, 4, 5) end,
  function(x) return F.layer_norm(x, {4, 5}) end, function(x) return F.group_norm(x, 1) end, 1e-13)
dual("instance_norm is group_norm of a group for each channel",
  function() return real(3, 4, 5, 2) end,
  function(x) return F.instance_norm(x) end, function(x) return F.group_norm(x, 4) end, 1e-13)
dual("batch_norm is (x - mean) / deviation", function() return real(6, 3, 2, 2) end,
  function(x) return F.batch_norm(x, {training = true}) end, function(x)
    local d <const> = x - x:mean({1, 3, 4}, true)
    return d / (d:square():mean({1, 3, 4}, true) + 1e-5):sqrt()
  end, 1e-12)
dual("normalize divides by norm", function() return real(4, 5) end,
  function(x) return F.normalize(x) end, function(x) return x / x:norm(2, 2, true) end, 1e-13)
dual("glu is one half times sigmoid of the other", function() return real(3, 6) end,
  function(x) return F.glu(x) end, function(x) return x[{{}, {1, 3}}] * x[{{}, {4,
    6}}]:sigmoid() end, 1e-14)
local function off() return apart(4, 5) + 0.05 end
for name, f in pairs {
  relu = function(x) return x:clamp(0) end, silu = function(x) return x * x:sigmoid() end,
  softplus = function(x) return (x:exp() + 1):log() end,
  sigmoid = function(x) return ((x / 2):tanh() + 1) / 2 end,
  abs = function(x) return x:maximum(-x) end, square = function(x) return x ^ 2 end,
  reciprocal = function(x) return x ^ -1 end, neg = function(x) return 0 - x end,
  abs_tanh = function(x) return x:tanh():abs() end, expm1 = function(x) return x:exp() - 1 end,
  hardswish = function(x) return x * (x + 3):clamp(0, 6) / 6 end,
  elu = function(x) return braid.where(x:gt(0), x, x:clamp({max = 0}):exp() - 1) end,
  leaky_relu = function(x) return x:prelu(braid.tensor({0.01}, F64)) end,
  gelu = function(x) return x * ((x / math.sqrt(2)):erf() + 1) / 2 end,
} do
  dual(name .. " is its formula of other operators",
    off, function(x) return x[name](x) end, f, 1e-12)
end
dual("sqrt is a power", function() return real(4):abs() + 0.1 end,
  function(x) return x:sqrt() end, function(x) return x ^ 0.5 end, 1e-14)
dual("rsqrt is one over sqrt", function() return real(4):abs() + 0.1 end,
  function(x) return x:rsqrt() end, function(x) return 1 / x:sqrt() end, 1e-13)
dual("log1p and expm1 undo each other", function() return real(4) end,
  function(x) return x:expm1():log1p() end, function(x) return x * 1 end, 1e-13)
dual("lerp is a weighted sum", function() return real(4, 5), real(4, 5), braid.rand(4, 5, F64) end,
  function(a, b, w) return a:lerp(b, w) end, function(a, b, w) return a * (1 - w) + b * w end,
    1e-13)
dual("mod is what floordiv leaves", function() return apart(12), apart(12) + 0.11 end,
  function(a, b) return a % b end, function(a, b) return a - (a / b):floor() * b end, 1e-12)

describe("values and gradients agree:", function()
  for _, case in ipairs(DUALS) do
    it(case.name, function()
      braid.manual_seed(7)
      local inputs <const> = table.pack(case.make())
      local leaves <const> = {}
      for i = 1, inputs.n do
        if inputs[i].dtype == "float64" then
          inputs[i] = inputs[i]:detach():clone():requires_grad_()
          leaves[#leaves + 1] = inputs[i]
        end
      end
      local one <const> = case.one(table.unpack(inputs))
      local other <const> = case.other(table.unpack(inputs))
      local function near(a, b, what)
        assert.same(b.shape, a.shape)
        assert.equal(b.dtype, a.dtype)
        if a.dtype ~= "float64" then return assert.same(b:totable(), a:totable()) end
        local far <const> = (a:detach() - b:detach()):abs()
        if far:numel() == 0 then return end
        local scale <const> = math.max(b:detach():abs():max():item(), 1)
        assert.is_true(far:max():item() <= (case.tolerance or 0) * scale,
          ("%s: %g apart"):format(what, far:max():item()))
      end
      near(one, other, "value")
      if #leaves == 0 or not one.requires_grad then return end
      local dy <const> = braid.randn(one.shape, F64)
      local options <const> = {gradient = dy, allow_unused = true}
      local ga <const>, gb <const> = braid.grad(one, leaves, options),
        braid.grad(other, leaves, options)
      for i, x in ipairs(leaves) do
        near(ga[i] or braid.zeros_like(x), gb[i] or braid.zeros_like(x), "gradient " .. i)
      end
    end)
  end
end)

-- ---- in place, as methods, as functions ----

describe("an operator in place", function()
  for _, row in ipairs(core.rows) do
    local arguments <const> = select(2, row.args:gsub(":[tn]", ""))
    if row.in_place and not row.hidden and arguments <= 2 and not row.args:find "mask" then
      it("gives what it gives in a new tensor: " .. row.name, function()
        braid.manual_seed(2)
        for _, dtype in ipairs {"float32", "float64"} do
          local x <const> = braid.rand(6, 5, {dtype = dtype}) + 0.1
          local y <const> = arguments == 2 and braid.rand(5, {dtype = dtype}) + 0.1 or
            row.name == "clamp" and 0.5 or nil
          local wants <const> = core.ops[row.name](x, table.unpack({y})):totable()
          local got <const> = x:clone()
          assert.is_true(rawequal(got, core.ops[row.name .. "_"](got, table.unpack({y}))))
          assert.same(wants, got:totable())
          local turned <const> = x:t():clone():t()
          core.ops[row.name .. "_"](turned, table.unpack({y}))
          assert.same(wants, turned:totable())
          if row.method then assert.same(wants, x[row.name](x, table.unpack({y})):totable()) end
        end
      end)
    end
  end
end)

-- ---- optimizers and averages ----

local function trained(make, steps)
  braid.manual_seed(4)
  local p <const> = braid.randn(5, F64):requires_grad_()
  local t <const> = braid.randn(5, F64)
  local opt <const> = make({p})
  for _ = 1, steps or 7 do
    opt:zero_grad();
    (p - t):square():sum():backward()
    opt:step()
  end
  return p:detach(), t
end

describe("an optimizer", function()
  local function same(name, a, b)
    it(name, function()
      local x <const>, y <const> = trained(a), trained(b)
      assert.is_true((x - y):abs():max():item() <= 1e-14)
    end)
  end
  same("SGD without momentum subtracts lr times the gradient",
    function(p) return optim.SGD(p, {lr = 0.1}) end,
    function(p)
      return {zero_grad = function() p[1].grad = nil end, step = function()
        local _ <close> = braid.no_grad()
        p[1]:sub_(p[1].grad * 0.1)
      end}
    end)
  same("AdamW without weight_decay gives what Adam gives",
    function(p) return optim.AdamW(p, {lr = 0.1,
    weight_decay = 0}) end,
    function(p) return optim.Adam(p, {lr = 0.1}) end)
  same("with lr_mult 0.5 gives what half the lr gives", function(p)
    return optim.SGD({{params = p, lr_mult = 0.5}}, {lr = 0.2, momentum = 0.9})
  end, function(p) return optim.SGD(p, {lr = 0.1, momentum = 0.9}) end)
  same("SGD's weight_decay is a term of the gradient", function(p)
    return optim.SGD(p, {lr = 0.1, weight_decay = 0.3})
  end, function(p)
    local opt <const> = optim.SGD(p, {lr = 0.1})
    return {zero_grad = function() opt:zero_grad() end, step = function()
      p[1].grad = p[1].grad + p[1]:detach() * 0.3
      opt:step()
    end}
  end)
end)

describe("optim.EMA", function()
  it("with decay 0 has the new parameters, with decay 1 the first ones", function()
    local m <const> = nn.Linear(3, 2)
    local first <const> = m.weight:detach():clone()
    local none <const>, all <const> = optim.EMA(m, {decay = 0}), optim.EMA(m, {decay = 1})
    m.weight:detach():mul_(-3):add_(0.1)
    none:update()
    all:update()
    assert.same(m.weight:totable(), none:state_dict().averages.weight:totable())
    assert.same(first:totable(), all:state_dict().averages.weight:totable())
  end)
end)

-- ---- schedules and curves at their ends ----

local SCHEDULES <const> = {
  cosine = {function(n, o) return optim.cosine(n, o) end, last = 0, {{}, {last = 0.3},
    {last = 0.1}}},
  poly = {function(n, o) return optim.poly(n, o) end, last = 0, {{}, {power = 0.9}, {power = 3}}},
  warmup = {function(n, o) return optim.warmup(n, o) end, first = 1 / 3, last = 1, {{},
    {start = 0.1}}},
  one_cycle = {function(n, o) return optim.one_cycle(n, o) end, {{}, {pct_start = 0.1},
    {pct_start = 0},
    {anneal = "linear"}, {pct_start = 0.5, div_factor = 3, final_div_factor = 7}}},
}

describe("a schedule", function()
  for name, case in pairs(SCHEDULES) do
    it("is exact at both ends, and from 0 to 1 at every step: " .. name, function()
      for _, total in ipairs {1, 2, 3, 7, 10, 100, 1000} do
        for _, o in ipairs(case[2]) do
          local f <const> = case[1](total, o)
          for step = 0, total + 3 do
            local v <const> = f(step)
            assert.is_true(v >= 0 and v <= 1, ("%s(%d): %s at %d"):format(name, total, v, step))
          end
          local last <const> = o.last or case.last
          if name == "one_cycle" then
            local div <const>, final <const> = o.div_factor or 25, o.final_div_factor or 1e4
            local top <const> = (o.pct_start or 0.3) * total - 1
            if top > 0 then assert.equal(1 / div, f(0)) end
            if total > 1 then assert.equal(1 / div / final, f(total - 1)) end
            if top >= 0 and top == math.floor(top) then assert.equal(1, f(math.tointeger(top))) end
          else
            assert.equal(o.start or case.first or 1, f(0))
            assert.equal(last, f(total))
            assert.equal(last, f(total + 50))
          end
        end
      end
    end)
  end

  it("with named steps (step, multistep) changes at exactly these steps", function()
    local step <const>, multi <const> = optim.step(3, {gamma = 0.5}), optim.multistep({2, 5})
    assert.same({1, 1, 1, 0.5}, {step(0), step(1), step(2), step(3)})
    assert.same({1, 1, 0.1}, {multi(0), multi(1), multi(2)})
    assert.equal(1, optim.exponential(0.9)(0))
  end)
end)

describe("the ends of a curve or line", function()
  it("are exact in mtl.ced and linspace", function()
    local ced <const> = braid.mtl.ced({0, 0.05, 0.1, 0.2}, {limit = 0.1, steps = 7})
    assert.equal(0.1, ced.error[8])
    assert.equal(0.25, ced.share[1])
    assert.equal(0.75, ced.share[8])
    assert.equal(0.25, ced.failure)
    assert.near((0.1 + 0.05) / 0.4, ced.auc, 1e-15)
    for _, n in ipairs {2, 3, 7, 10, 49, 1000} do
      for _, ends in ipairs {{0, 1}, {0.1, 0.7}, {-1 / 3, 1e9}, {1e-30, 1}, {-1e308, 1e308}} do
        local line <const> = braid.linspace(ends[1], ends[2], n, F64)
        assert.equal(ends[1], line[1]:item())
        assert.equal(ends[2], line[n]:item())
      end
    end
  end)

  it("are exact in lerp between two tensors", function()
    for _, dtype in ipairs {"float32", "float64"} do
      local big <const> = dtype == "float32" and 3e38 or 1.7e308
      local a <const> = braid.tensor({0.1, 1e30, -big, 1 / 3, 5}, {dtype = dtype})
      local b <const> = braid.tensor({0.7, 1, big, -1e-30, 5}, {dtype = dtype})
      assert.same(a:totable(), a:lerp(b, 0):totable())
      assert.same(b:totable(), a:lerp(b, 1):totable())
      assert.is_true(a:lerp(b, 0.5):isfinite():all():item())
    end
  end)
end)
