// One visitor of several lambdas, for std::visit.
#pragma once

namespace ebb {

template <class... F>
struct Overload : F... {
  using F::operator()...;
};

}  // namespace ebb
