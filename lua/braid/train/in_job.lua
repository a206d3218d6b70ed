--- train.in_job(): the name of the job that this process was started for (train.pool,
-- train.compare, train.sweep), or nil in the process that the user started.
--
-- Such a process runs the script from its beginning up to the call whose job it runs; what is to
-- happen once alone goes behind this.
-- @usage if not train.in_job() then os.execute("rm -rf build/run") end

return function() return (select(2, require("braid.train.pool.work").mine())) end
