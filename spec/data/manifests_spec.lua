--- Tests data.csv and data.jsonl, which read tables of pictures and labels, and data.aflw, which
-- reads such a table or a database.

local braid <const> = require "braid"
local shell <const> = require "spec.support.shell"
local trees <const> = require "spec.support.reader_trees"
local sqlite <const> = require "braid.data.sqlite"
local data <const> = braid.data

local column <const> = trees.column

-- Calls f(path, its directory) with a file that is removed afterwards.
local function with(name, text, f)
  shell.in_directory(function(dir)
    shell.write(dir .. "/" .. name, text)
    f(dir .. "/" .. name, dir)
  end)
end

local function complaint(name, text, read) return trees.said({[name] = text}, read, name) end

describe("data.csv", function()
  local text <const> = "\xEF\xBB\xBFfile,animal,age, x1,y1,x2,y2,l,t,w,h,set\r\n" ..
    "a.png,dog,1.5,10,20,30,40,0,1,10,20,train\r\n" ..
    "\"b,1.png\",cat,,11,,31,41,,,,,train\r\n" ..
    "/abs/c.png,,nan,,,,,5,5,1,1,test\r\n\r\n"
  local options <const> = {classes = {"animal"}, reals = {"age", pair = {"age", "x1"}},
    points = {landmarks = {"x1", "y1", "x2", "y2"}}, origin = 1, box = {"l", "t", "w", "h"},
    box_is = "size", split = "set"}

  it("reads columns as classes, numbers, points, boxes and sets", function()
    with("m.csv", text, function(path, dir)
      local sets <const> = data.csv(path, options)
      assert.same({2, 1}, {#sets.train, #sets.test})
      assert.same({2, 1}, column(sets.train, "animal"))
      assert.same({"cat", "dog"}, sets.train.classes.animal)
      assert.same({1.5, false}, column(sets.train, "age"))
      assert.same({1.5, 10}, sets.train[1].pair:totable())
      assert.same({ {9, 19}, {29, 39} }, sets.train[1].landmarks:totable())
      assert.equal(10, sets.train[2].landmarks[{1, 1}]:item())
      assert.same({-1, 0, 9, 20}, sets.train[1].box:totable())
      assert.is_nil(sets.train[2].box)
      assert.same({nil, nil, nil}, {sets.test[1].animal, sets.test[1].age, sets.test[1].landmarks})
      assert.equal(dir .. "/b,1.png", sets.train:path(2))
      assert.equal("/abs/c.png", sets.test:path(1))
    end)
  end)

  it("without options reads columns of numbers as real and of words as classes", function()
    with("m.csv", "path,kind,score\na.png,x,1\nb.png,,2\n", function(path)
      local train <const> = data.csv(path).train
      assert.same({kind = "class", score = "real"}, train.kinds)
      assert.same({1, false}, column(train, "kind"))
    end)
  end)

  it("sorts classes that are numbers by value, and keeps a given order of classes", function()
    with("m.csv", "path,level,mood\na.png,10,sad\nb.png,9,glad\nc.png,-1,sad\n", function(path)
      local train = data.csv(path, {classes = {"level"}, missing = {"-1"}}).train
      assert.same({2, 1, false}, column(train, "level"))
      train = data.csv(path, {classes = {mood = {"sad", "glad"}}}).train
      assert.same({1, 2, 1}, column(train, "mood"))
    end)
  end)

  it("reads a file without a header row by column numbers", function()
    with("m.csv", "a.png,3\nb.png,4\n", function(path)
      local train <const> = data.csv(path,
        {header = false, image = 1, reals = {2}, root = "/pictures"}).train
      assert.same({3, 4}, column(train, "2"))
      assert.equal("/pictures/b.png", train:path(2))
    end)
  end)

  it("raises an error with file, line and column for a wrong cell", function()
    local function said(lines, o)
      return complaint("m.csv", lines, function(path) return data.csv(path, o) end)
    end
    assert.equal("DIR/m.csv:3: column 'age': 'x' is not a number from -1e9 to 1e9",
      said("path,age\na.png,1\nb.png,x\n", {reals = {"age"}}))
    assert.equal("DIR/m.csv: there is no column 'sex'; there is path, age",
      said("path,age\na.png,1\n", {classes = {"sex"}}))
    assert.equal("DIR/m.csv:2: column 'mood': 'bad' is not one of the classes sad, glad",
      said("path,mood\na.png,bad\n", {classes = {mood = {"sad", "glad"}}}))
    assert.equal("DIR/m.csv:3: column 'path': a path is missing", said("path,age\na.png,1\n,2\n"))
    assert.equal("DIR/m.csv:2: column 'set': 'dev' is not train, val or test",
      said("path,set\na.png,dev\n", {split = "set"}))
    assert.equal("DIR/m.csv:2: the box has no area",
      said("path,a,b,c,d\na.png,1,1,1,2\n", {box = {"a", "b", "c", "d"}}))
    assert.equal("DIR/m.csv: line 3: 1 cells, but 2 in the lines before",
      said("path,age\na,1\nb\n"))
    assert.equal("DIR/m.csv: there are no rows in it", said("path,age\n"))
    assert.equal("DIR/m.csv:1: two columns are called 'a'", said("path,a,a\n1,2,3\n"))
    assert.equal("DIR/m.csv: 'count' cannot be the name of a label: say what the columns are",
      said("path,count\na.png,2\n"))
    assert.equal("DIR/m.csv: which column is the picture? There is a, b: say image = ...",
      said("a,b\n1,2\n"))
  end)

  it("raises an error for an unknown option", function()
    assert.has_error(function() data.csv("x.csv", {labels = {}}) end)
  end)
end)

describe("data.jsonl", function()
  it("reads objects with classes, points and boxes, of which some are missing", function()
    with("m.jsonl", '{"path": "a.png", "kind": "x", "points": [[1, 2], [3, 4]], "age": 2}\r\n' ..
      '\n{"path": "b.png", "points": null, "box": [0, 1, 2, 3], "ok": true, "kind": null}\n' ..
      '{"path": "c.png", "points": [[5, 6], [null, 8]], "kind": "w", "ok": false}', function(path)
      local train <const> = data.jsonl(path, {classes = {"kind", "ok"},
        reals = {"age"}, points = {landmarks = "points"}, box = "box"}).train
      assert.same({2, false, 1}, column(train, "kind"))
      assert.same({false, 2, 1}, column(train, "ok"))
      assert.same({2, false, false}, column(train, "age"))
      assert.same({ {1, 2}, {3, 4} }, train[1].landmarks:totable())
      assert.is_nil(train[2].landmarks)
      assert.same({5, 6}, train[3].landmarks[1]:totable())
      assert.same({0, 1, 2, 3}, train[2].box:totable())
      assert.is_nil(train[1].box)
    end)
  end)

  it("raises an error with file and line for a wrong object", function()
    local function said(lines, o)
      return complaint("m.jsonl", lines, function(path) return data.jsonl(path, o) end)
    end
    assert.equal("DIR/m.jsonl:2: json: a colon is missing at byte 6",
      said('{"path": "a"}\n{"a" 1}'))
    assert.equal("DIR/m.jsonl:2: this is not an object", said('{"path": "a"}\n[1]'))
    assert.equal("DIR/m.jsonl:3: column 'p': 4 numbers, but 2 in the lines before",
      said('{"path": "a", "p": [1, 2]}\n\n{"path": "b", "p": [1, 2, 3, 4]}',
        {points = {landmarks = "p"}}))
    assert.equal("DIR/m.jsonl:1: column 'p' is not a list",
      said('{"path": "a", "p": 3}', {points = {landmarks = "p"}}))
    assert.equal("DIR/m.jsonl:1: column 'path': a path is missing", said('{"a": 1, "path": null}'))
  end)
end)

-- ---- AFLW ---------------------------------------------------------------------------------

local NAMES <const> = [[LeftBrowLeftCorner LeftBrowCenter LeftBrowRightCorner RightBrowLeftCorner
  RightBrowCenter RightBrowRightCorner LeftEyeLeftCorner LeftEyeCenter LeftEyeRightCorner
  RightEyeLeftCorner RightEyeCenter RightEyeRightCorner LeftEar NoseLeft NoseCenter NoseRight
  RightEar MouthLeftCorner MouthCenter MouthRightCorner ChinCenter]]

-- The published schema, with two faces in one picture and a face without labels in another.
local function schema()
  local sql <const> = {[[
PRAGMA synchronous = OFF;
BEGIN;
CREATE TABLE Faces(face_id INTEGER PRIMARY KEY, file_id TEXT, db_id TEXT);
CREATE TABLE FaceImages(image_id INTEGER PRIMARY KEY, db_id TEXT, file_id TEXT, filepath TEXT,
  bw INTEGER, width INTEGER, height INTEGER);
CREATE TABLE FacePose(face_id INTEGER PRIMARY KEY, roll REAL, pitch REAL, yaw REAL,
  annot_type_id INTEGER);
CREATE TABLE FaceRect(face_id INTEGER PRIMARY KEY, x INTEGER, y INTEGER, w INTEGER, h INTEGER,
  annot_type_id INTEGER);
CREATE TABLE FaceMetaData(face_id INTEGER PRIMARY KEY, sex TEXT, occluded INTEGER,
  glasses INTEGER, bw INTEGER, annot_type_id INTEGER);
CREATE TABLE FeatureCoordTypes(feature_id INTEGER PRIMARY KEY, descr TEXT, code TEXT, x REAL,
  y REAL, z REAL);
CREATE TABLE FeatureCoords(face_id INTEGER, feature_id INTEGER, x REAL, y REAL,
  PRIMARY KEY(face_id, feature_id));
INSERT INTO FaceImages VALUES(1, 'flickr', 'image1.jpg', '3/image1.jpg', 0, 100, 100);
INSERT INTO FaceImages VALUES(2, 'flickr', 'it''s.jpg', '0/it''s.jpg', 0, 100, 100);
INSERT INTO Faces VALUES(39341, 'image1.jpg', 'flickr');
INSERT INTO Faces VALUES(39342, 'image1.jpg', 'flickr');
INSERT INTO Faces VALUES(39400, 'it''s.jpg', 'flickr');
INSERT INTO FacePose VALUES(39341, 0.1, -0.25, 1.5, 1);
INSERT INTO FaceRect VALUES(39341, -5, 10, 50, 60, 1);
INSERT INTO FaceRect VALUES(39400, 1, 1, 0, 0, 1);
INSERT INTO FaceMetaData VALUES(39341, 'f', 0, 1, 0, 1);
INSERT INTO FaceMetaData VALUES(39342, 'm', 0, 0, 0, 1);
INSERT INTO FeatureCoords VALUES(39341, 8, 20.5, 30.25);
INSERT INTO FeatureCoords VALUES(39341, 21, 25, 70);
INSERT INTO FeatureCoords VALUES(39342, 1, 1, 2);
]]}
  local number = 0
  for name in NAMES:gmatch("%a+") do
    number = number + 1
    sql[#sql + 1] = ("INSERT INTO FeatureCoordTypes VALUES(%d, '%s', 'X%d', 0, 0, 0);"):format(
      number, name, number)
  end
  return table.concat(sql, "\n") .. "\nCOMMIT;\n"
end

local function check_faces(train, dir)
  local first <const> = train[1]
  assert.same({"number", 2}, {math.type(first.yaw) and "number", first.gender})
  assert.near(1.5 * 180 / math.pi, first.yaw, 1e-5) -- the files have radians
  assert.near(-0.25 * 180 / math.pi, first.pitch, 1e-5)
  assert.same({21, 2}, first.landmarks.shape)
  assert.same({20.5, 30.25}, first.landmarks[8]:totable())
  assert.same({25, 70}, first.landmarks[21]:totable())
  assert.equal(2, first.landmarks:eq(first.landmarks)[{ {}, 1 }]:to("int64"):sum():item())
  assert.same({-5, 10, 45, 70}, first.box:totable())
  assert.equal(dir .. "/data/flickr/3/image1.jpg", train:path(1))
  assert.equal(train:path(1), train:path(2))
  assert.same({nil, nil, 1}, {train[2].yaw, train[2].box, train[2].gender})
  assert.same({nil, nil, nil}, {train[3].landmarks, train[3].box, train[3].gender})
  assert.equal(dir .. "/data/flickr/0/it's.jpg", train:path(3))
  assert.same({"-roll", "pitch", "yaw"}, {train.kinds.roll, train.kinds.pitch, train.kinds.yaw})
end

local function said_of(dir)
  local ok <const>, message <const> = pcall(data.aflw, dir)
  assert.is_false(ok)
  return (message:gsub("^.-: data%.aflw: ", ""))
end

describe("data.aflw", function()
  it("reads the published database through sqlite3", function()
    if not sqlite.is_installed() then return pending("needs the command sqlite3") end
    shell.in_directory(function(dir)
      shell.run("mkdir -p " .. dir .. "/data/flickr")
      shell.write(dir .. "/schema.sql", schema())
      local made <const> = shell.run(("cd %s && sqlite3 data/aflw.sqlite <schema.sql"):format(dir))
      assert.equal("", made.err)
      local train <const> = data.aflw(dir).train
      assert.equal(3, #train)
      check_faces(train, dir)
      assert.same({1, 2, nil}, {train[1].glasses, train[2].glasses, train[3].glasses})
    end)
  end)

  it("raises an error for a file that is no database, and for a wrong table or value", function()
    if not sqlite.is_installed() then return pending("needs the command sqlite3") end
    local function read(path) return data.aflw((path:gsub("/[^/]*$", ""))) end
    assert.matches("^DIR/aflw.sqlite: .*file is not a database",
      complaint("aflw.sqlite", ("no database "):rep(100), read))
    assert.matches("^DIR/aflw.sqlite: .*no such table: Faces", complaint("aflw.sqlite", "", read))
    shell.in_directory(function(dir)
      shell.write(dir .. "/schema.sql", schema() ..
        "UPDATE FeatureCoords SET x = 'wide' WHERE face_id = 39342;")
      shell.run(("sqlite3 %s/aflw.sqlite <%s/schema.sql"):format(dir, dir))
      assert.equal(dir .. "/aflw.sqlite: face 39342: LeftBrowLeftCorner: x: 'wide' is not a " ..
        "number from -1e6 to 1e6", said_of(dir))
    end)
  end)

  it("reads the database's export as .csv", function()
    local head <const>, first <const>, second <const>, third <const> =
      {"#FILENAME", "FACE_X", "FACE_Y", "FACE_WIDTH", "FACE_HEIGHT"},
      {"data/flickr/3/image1.jpg", -5, 10, 50, 60}, {"data/flickr/3/image1.jpg", "", "", "", ""},
      {"data/flickr/0/it's.jpg", "", "", "", ""}
    local number = 0
    for name in NAMES:gmatch("%a+") do
      number = number + 1
      for d, axis in ipairs{"_X", "_Y"} do
        head[#head + 1] = name .. axis
        first[#first + 1] = (({[8] = {20.5, 30.25}, [21] = {25, 70}})[number] or {})[d] or ""
        second[#second + 1] = number == 1 and d or ""
        third[#third + 1] = ""
      end
    end
    for c, name in ipairs{"ROLL", "PITCH", "YAW", "SEX"} do
      head[#head + 1] = name
      first[#first + 1] = ({0.1, -0.25, 1.5, "f"})[c]
      second[#second + 1] = c == 4 and "m" or ""
      third[#third + 1] = ""
    end
    local lines <const> = {}
    for i, row in ipairs{head, first, second, third} do lines[i] = table.concat(row, ",") end
    shell.in_directory(function(dir)
      shell.run(("mkdir -p %s/data/flickr/3"):format(dir))
      shell.write(dir .. "/data/flickr/3/image1.jpg", "")
      shell.write(dir .. "/aflw.csv", table.concat(lines, "\r\n") .. "\r\n")
      check_faces(data.aflw(dir).train, dir)
      shell.write(dir .. "/aflw.csv", table.concat(lines, "\n"):gsub("20.5", "wide"))
      assert.equal(dir .. "/aflw.csv:2: LeftEyeCenter_X: 'wide' is not a number from -1e6 to 1e6",
        said_of(dir))
      shell.write(dir .. "/aflw.csv", table.concat(lines, "\n"):gsub("ChinCenter_Y", "Chin"))
      assert.equal(dir .. "/aflw.csv:1: there is no column ChinCenter_Y", said_of(dir))
    end)
  end)

  it("raises an error without aflw.sqlite and aflw.csv", function()
    shell.in_directory(function(dir)
      assert.equal(dir .. ": there is no aflw.sqlite in it, nor aflw.csv",
        said_of(dir))
    end)
  end)
end)
