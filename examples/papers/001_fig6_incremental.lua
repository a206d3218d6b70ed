--- Fang, Ma, Zhang, Zhang and Bai 2017, section 4.4, figure 6: the error of a task over training,
-- alone and when it joins tasks that are learned already.
--
-- Section 4.4: Smiling is trained alone, and joins a dynamic network whose subnets stay fixed; its
-- own subnet and its connections train. Printed: about four times faster to an error of 0.1.
local braid <const> = require "braid"
local train <const> = braid.train
local papers <const> = require "braid.papers"
local paper <const> = papers.part "dynamic"

local LOOKED_AT <const> = 1000 -- validation samples

return papers.experiment{
  paper = "001", item = "figure 6", title = "a task's error by steps: alone, joining others",
  data = {"cifar10", "mtfl", "faces"}, minutes = 90,
  options = paper.options{target = {0.1, above = 0, below = 1}, every = {20, from = 1}},
  quick = paper.quick{every = 2, target = 0.45},
  differs = paper.differs("the late task is the last by name (smile; deer_horse of CIFAR-10)",
    "the error is that of both classes in equal shares, on validation; the paper does not say on "
    .. "which samples its error is measured"),
  run = function(e)
    local o <const>, sets <const> = e.o, paper.data(e)
    local late <const> = sets.names[#sets.names]
    local early <const> = paper.without(sets.names, #sets.names)
    local chosen <const>, count <const> = {}, math.min(LOOKED_AT, #sets.val)
    for i = 1, count do chosen[i] = (i - 1) * #sets.val // count + 1 end -- from all classes
    local looked_at <const> = sets.val:subset(chosen)

    -- Trains the late task and notes its error on the way.
    local function learn(net, job)
      local given <const>, steps, last = paper.turns(o, sets), nil, nil
      given.net, given.turns, given.epochs, given.dir = net, {late}, o.epochs, job.dir .. "/late"
      given.seed, given.progress = job.seed, false
      given.on = {step = function(fit, event)
        if event.step % o.every == 0 then
          fit:note{event = "error", step = event.step,
            error = 1 - paper.accuracies(fit.net, sets, looked_at)[late]}
        end
      end}
      for _, event in ipairs(train.fit(given).events) do
        if event.event == "error" then
          last = event.error
          if last <= o.target and not steps then steps = event.step end
        end
      end
      return {late = {steps = steps, error = last}}
    end

    local r <const> = e:compare("figure6", {networks = {"alone", "joining"},
      metrics = {"late.error"}, run = function(job)
        if job.network == "alone" then return learn(paper.shared({late}, o, sets)(), job) end
        local net <const> = paper.dynamic(early, o, sets)()
        local given <const> = paper.turns(o, sets)
        given.net, given.epochs, given.dir, given.seed = net, o.epochs, job.dir .. "/early",
          job.seed
        given.progress = false
        train.fit(given)
        net:add_task(late, paper.tasks{late}[late], {freeze = "others"})
        return learn(net, job)
      end})
    e:beside{title = ("Figure 6: %s"):format(late), results = r, columns = {
      {metric = "late.steps", title = ("steps to an error of %g"):format(o.target),
        direction = "min", printed = {joining = "a quarter"}},
      {metric = "late.error", title = "last error", direction = "min"}}}
    local curves <const> = {}
    for _, name in ipairs{"alone", "joining"} do
      local history <const> = e:history("figure6", name, {inner = "late"})
      for _, event in ipairs(history and history.events or {}) do
        if event.event == "error" then
          local curve <const> = curves[name] or {x = {}, y = {}}
          curve.x[#curve.x + 1], curve.y[#curve.y + 1] = event.step, event.error
          curves[name] = curve
        end
      end
    end
    if next(curves) then
      e:figure("figure6", braid.plot.lines(curves, {xlabel = "steps", ylabel = "error",
        rules = {{y = o.target}}, title = late .. ": error on validation"}))
    end
  end,
}
