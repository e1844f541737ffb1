// ONNX Runtime in this process: opened by its path, kept quiet, and bound in memory. Called by one thread until it is there.
//
// The API of the headers that we are compiled with is asked of the library, so one program runs with every release from theirs on.
#pragma once

#include <onnxruntime_cxx_api.h>

#include <string>
#include <string_view>

#include "base/result.h"

namespace ebb::engine_onnx {

// Bounds the process's memory, opens the library and runs a first tiny model, so that all that it reads of the machine (its processor, libraries, tables) is
// read before the files are out of reach. Once, at start. Aborts if it is not there: then the program was installed wrongly.
void init_library(const std::string& path);

// `<directory of the program>/../lib/ebb/<file of otherwise>` if it is there, else the given path.
std::string library_path(const std::string& otherwise);

// "1.28.0".
std::string library_version();
// What a prepared model depends on besides the model: the library's version and what it makes of this processor. [a-z0-9.-].
std::string preparation_key();

const Ort::Env& environment();
// Of this machine, as they were at the start: later they cannot be asked for.
unsigned cores();

// What the tensors of all runs may take together. The rest of the process is small beside it.
int64_t tensor_bytes_max();
// Half of this machine, or less. 0: half of it.
void bound_tensors(uint64_t bytes_max);

// What the library throws as an error: its message, one line, cut. kExhausted where it is about memory, else `kind`.
Error library_error(const Ort::Exception& thrown, ErrorKind kind);

}  // namespace ebb::engine_onnx
