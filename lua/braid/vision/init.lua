--- Networks that work on whole pictures.

return require "braid.folder" "braid.vision"
