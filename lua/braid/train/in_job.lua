--- train.in_job(): the name of the job that this process was started for (train.pool,
-- train.compare, train.sweep), or nil in the process that the user started.
--
-- A job's process runs the script from its beginning up to the call that made the job. Use this
-- function to skip what must happen only once.
-- @treturn string?
-- @usage if not train.in_job() then os.execute("rm -rf build/run") end

return function() return (select(2, require("braid.train.pool.work").mine())) end
