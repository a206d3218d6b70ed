--- The version of Braid. It is set only here; `braid --version`, braid.VERSION, saved files, the
-- rockspec of `make dist`, the package of `make deb` and the man page read it.

return "0.2.0"
