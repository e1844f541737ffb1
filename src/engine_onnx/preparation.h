// A model prepared for one kind of machine: its graph optimised and in the library's own format, from which a session is made without copying a weight.
//
// It is again a package (wire/package.h): `manifest.json` says what it was made from and for, `model.onnx` holds the library's format. Made once, by
// ebb-prepare-onnx; whoever loads it treats it as it treats a model, as a stranger's bytes.
#pragma once

#include <onnxruntime_cxx_api.h>

#include <span>
#include <string>

#include "base/result.h"
#include "engine_onnx/model.h"
#include "wire/package.h"

namespace ebb::engine_onnx {

// Makes it of a package and writes it to the descriptor, an empty file. `scratch` is a path that the library may create a file at. Returns its bytes.
// Errors: kInvalid, kCorrupt for what is no model that runs here; kIo.
Result<uint64_t> prepare(std::span<const char> package, const std::string& scratch, int to);

struct Preparation {
  std::span<const char> model;  // what sessions are made of
  bool keeps_rows_apart = true;
};
// Errors: kCorrupt: it is not whole; kInvalid: it was made of another package, or for another machine or library.
Result<Preparation> read_preparation(std::span<const char> prepared, const wire::Package& package);

// Options for a session that is made of it; its bytes must outlive the session.
void use_prepared(Ort::SessionOptions& options, Packing packing);

}  // namespace ebb::engine_onnx
