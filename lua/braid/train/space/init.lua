--- The ranges that train.sweep draws values from: train.space.uniform(0, 1), .log(1e-4, 1e-2),
-- .whole(1, 8), .choice{"a", "b"}. Each has at(u), the value at u from 0 to 1.

return require "braid.folder"("braid.train.space", {internal = {"range"}})
