--- The version of Braid. It is set only here; `braid --version`, braid.VERSION, saved networks and
-- the rockspec of `make dist` read it.

return "0.1.0"
