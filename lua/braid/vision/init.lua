--- Networks at work on whole pictures.

return require "braid.folder" "braid.vision"
