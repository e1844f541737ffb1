// ValueInfoProto: what a model takes and gives; a part of registry/onnx.h.
#pragma once

#include <optional>
#include <string_view>

#include "domain/tensor.h"
#include "registry/proto_cursor.h"

namespace ebb::registry {

// Its name alone; one that is empty is wrong.
std::string_view onnx_value_name(const ProtoField& field, ProtoErrors& errors);
// A tensor of a type that calls can carry, with a number of dimensions; of an input also with no more bytes than a call may have. nullopt: what is wrong is in
// `errors`.
std::optional<domain::TensorSpec> read_onnx_input(const ProtoField& field, ProtoErrors& errors);
std::optional<domain::TensorSpec> read_onnx_output(const ProtoField& field, ProtoErrors& errors);

}  // namespace ebb::registry
