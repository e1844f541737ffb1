// The head of an HTTP answer as a download needs it: status, lengths, and what can name the content at a resume. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace ebb::registry {

class HttpAnswer {
 public:
  // One line of a head, with its line end. A status line begins the next answer of a chain.
  void add_line(std::string_view line);

  int status() const { return status_; }
  bool complete() const { return complete_; }   // the empty line came
  int redirects() const { return redirects_; }  // answers 3xx so far
  // Bytes of the whole file; 0: not said.
  uint64_t whole_bytes() const { return status_ == 206 ? range_total_ : length_; }
  uint64_t range_start() const { return range_start_; }
  // For If-Range: a strong ETag, else the date of the last change, else empty.
  const std::string& validator() const { return etag_.empty() ? modified_ : etag_; }
  // What a status of 300 and above means for a person.
  Error refusal(const std::string& host) const;

 private:
  void read_range(std::string_view value);

  int status_ = 0;
  int redirects_ = 0;
  bool complete_ = false;
  uint64_t length_ = 0;
  uint64_t range_start_ = 0;
  uint64_t range_total_ = 0;
  std::string etag_;
  std::string modified_;
};

}  // namespace ebb::registry
