--- The page of braid serve, in a browser without a window.

local braid <const> = require "braid"
local core <const> = require "braid.core"
local serving <const> = require "spec.support.serving"
local shell <const> = require "spec.support.shell"
local data <const>, mtl <const> = braid.data, braid.mtl

local missing <const> = serving.missing()
local ALPHABET <const> = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

local function base64(bytes)
  return (bytes:gsub("..?.?", function(three)
    local a <const>, b <const>, c <const> = three:byte(1, 3)
    local n <const> = a << 16 | (b or 0) << 8 | (c or 0)
    local text <const> = {}
    for i = 1, 4 do
      local k <const> = (n >> (24 - 6 * i)) & 63
      text[i] = i > #three + 1 and "=" or ALPHABET:sub(k + 1, k + 1)
    end
    return table.concat(text)
  end))
end

-- The text of a page once its scripts have run.
local function seen(dir, url, more)
  return shell.run(("HOME=%s timeout 100 chromium --headless=new --no-sandbox --disable-gpu "
    .. "--user-data-dir=%s/profile %s --virtual-time-budget=10000 --dump-dom %s"):format(dir, dir,
    more or "", shell.quote(url))).out
end

describe("the page of braid serve", function()
  it("shows the card, and draws the answers for dropped pictures #slow", function()
    if missing then return pending("this Braid has no libmicrohttpd") end
    if shell.run("command -v chromium").status ~= 0 then return pending("there is no chromium") end
    shell.in_directory(function(dir)
      local set <const> = data.faces{n = 10, size = 64, seed = 4}.train
      local tasks <const> = mtl.tasks{landmarks = mtl.landmarks{points = 5},
        pose = mtl.classes{5, names = set.classes.pose}, age = mtl.real{1}}
      local net <const> = braid.model("tcdcn", {tasks = tasks})
      net.card = {text = "a network for <specs>",
        preprocessing = data.loader(set, {size = 40}):recipe()}
      braid.save(dir .. "/net.safetensors", net)
      local face <const>, picture <const> = set[1].image:permute(2, 3, 1), dir .. "/face.png"
      assert(core.image_write(picture, face:expand(64, 64, 3):contiguous():clone()))
      local server <const> = serving.start(dir, dir .. "/net.safetensors")
      local own <const> = seen(dir, server.url .. "/")
      assert.matches("a network for &lt;specs&gt; %([%d,]+ parameters%)", own)
      -- The same page from a file, with a script after it that drops a picture and a text.
      local page <const> = shell.read("lua/braid/serve/page.html")
      local script <const> = ([[<script>(async () => {
        const file = (name, text) => new File([Uint8Array.from(atob(text), c => c.charCodeAt(0))],
          name, {type: "image/png"});
        const all = new DataTransfer();
        all.items.add(file("face.png", "%s"));
        all.items.add(file("text.png", "aGVsbG8="));
        dispatchEvent(new DragEvent("drop", {dataTransfer: all}));
      })();</script>]]):format(base64(shell.read(picture)))
      shell.write(dir .. "/driven.html", (page:gsub('<meta charset="utf%-8">', function(s)
        return s .. ('<base href="%s/">'):format(server.url)
      end):gsub("</html>", function(s) return script .. s end)))
      local text <const> = seen(dir, "file://" .. dir .. "/driven.html", "--disable-web-security")
      local answer <const> = net:predict(picture)
      assert.matches('<canvas width="64" height="64">', text, 1, true)
      assert.matches("<h2>face.png</h2>", text, 1, true)
      assert.matches(("<td>pose</td><td>%s %d%% "):format(answer.pose.name,
        math.floor(100 * answer.pose.share + 0.5)), text, 1, true)
      assert.matches("<td>landmarks</td><td>5 points</td>", text, 1, true)
      assert.matches("text.png: the picture: not a PNG or JPEG file", text, 1, true)
      assert.equal(0, (server:stop()))
    end)
  end)
end)
