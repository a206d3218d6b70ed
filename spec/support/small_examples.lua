--- The arguments with which a longer script of examples/ takes seconds, by its path; %s is the
-- directory for its files. Lessons (01_tensors.lua and on) have no arguments, and are not here.

return {
  ["examples/tcdcn.lua"] = "--faces 192 --epochs 1 --out %s",
  ["examples/compare.lua"] = "--faces 64 --epochs 2 --width 0.25 --maps no --out %s/cmp "
    .. "--seeds 1 --networks 'hard_wide cross_stitch separation dcnet'",
  ["examples/train.lua"] = "--faces 100 --epochs 2 --seeds 2 --out %s/train",
  ["examples/mtfl.lua"] = "--faces 80 --epochs 1 --seeds 1 --width 0.25 --size 32 --out %s/mtfl",
  ["examples/weighting.lua"] = "--faces 100 --epochs 1 --seeds 1 --out %s/weighting "
    .. "--methods 'equal uncertainty upgrad moco'",
  ["examples/mtcnn.lua"] = "--out %s/mtcnn.png", -- only says which files it needs
  ["examples/separation.lua"] = "--faces 48 --epochs 1 --size 16 --variant fine_tuned --out %s",
  ["examples/dmt.lua"] = "--faces 96 --epochs 1 --width 0.1 --out %s",
  ["examples/dcnet.lua"] = "--faces 48 --epochs 1 --size 32 --width 0.03125 --batch 8 "
    .. "--shares 0.5 --draws 1 --out %s",
  ["examples/kth.lua"] = "--faces 48 --epochs 2 --size 24 --width 0.1 --tries 1 --out %s",
  ["examples/table.lua"] = "--rows 200 --epochs 1 --out %s/people.csv",
  ["examples/faces.lua"] = "--n 12 --out %s/faces.png",
}
