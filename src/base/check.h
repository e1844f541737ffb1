// EBB_CHECK: asserts what the program relies on, in release too. Never for input: input gets a Result.
#pragma once

namespace ebb {
[[noreturn]] void check_failed(const char* condition, const char* file, int line);
}

#define EBB_CHECK(condition) ((condition) ? static_cast<void>(0) : ::ebb::check_failed(#condition, __FILE__, __LINE__))
