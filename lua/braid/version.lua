--- The version of Braid, in one place: `braid --version`, braid.version and saved networks say it.

return "0.1.0"
