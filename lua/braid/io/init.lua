--- Files: io.load and io.save, which are braid.load and braid.save for tensors and tables. The
-- other files are the formats, which they find by a file's name.

return require "braid.folder"("braid.io", {
  internal = {"caffemodel", "csv", "damage", "files", "gzip", "idx", "json", "named", "npy",
    "npz", "number", "pickle", "picture", "protobuf", "pth", "pth_objects", "safetensors", "shape",
    "sheet", "tar", "text", "tree", "zip"},
})
