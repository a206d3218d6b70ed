--- Files: io.load and io.save, which are braid.load and braid.save for tensors and tables. The
-- other files of this folder are the formats; the ending of a file's name tells which one is used.

return require "braid.folder"("braid.io", {
  internal = {"caffemodel", "csv", "damage", "files", "gzip", "idx", "json", "named", "npy",
    "npz", "number", "pickle", "picture", "protobuf", "pth", "pth_objects", "safetensors", "shape",
    "sheet", "tar", "text", "tree", "zip"},
})
