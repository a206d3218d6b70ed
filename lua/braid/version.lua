--- The version of Braid, which stands here alone: `braid --version`, braid.VERSION, saved networks
-- and the rockspec of `make dist` say it.

return "0.1.0"
