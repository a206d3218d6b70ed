"""The server beside which spec/bench/serve.lua measures: serve_peer.py NET.onnx PORT SIDE.

FastAPI in uvicorn, one worker; a picture is decoded by Pillow, made gray, resized and whitened, and
onnxruntime predicts. Answers are JSON for each output of the network.
"""

import io
import os
import sys

import numpy as np
import onnxruntime
import uvicorn
from fastapi import FastAPI, Request
from PIL import Image

path, port, side = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
options = onnxruntime.SessionOptions()
options.intra_op_num_threads = int(os.environ.get("OMP_NUM_THREADS", "1"))
session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
first = session.get_inputs()[0].name
names = [output.name for output in session.get_outputs()]
app = FastAPI()


@app.post("/predict")
async def predict(request: Request):
    picture = Image.open(io.BytesIO(await request.body())).convert("L")
    x = np.asarray(picture.resize((side, side), Image.BILINEAR), np.float32)
    x = (x - x.mean()) / max(float(x.std()), 1e-6)
    outputs = session.run(names, {first: x[None, None]})
    return {name: y[0].tolist() for name, y in zip(names, outputs)}


uvicorn.run(app, host="127.0.0.1", port=port, log_level="error", access_log=False)
