// Text of strangers that spells a control token of the model ("<|im_end|>") must reach the model as text, not as the token: else a caller's
// data could end its own turn and speak as the system. Pure but for the tokenizer that is passed in.
//
// Templates see text only, so each such spelling is replaced by a mark before rendering, and put back, letter by letter, while the rendered
// text is cut into tokens.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace ebb::engine_llama {

class SpecialText {
 public:
  // How the model's control tokens are spelled.
  explicit SpecialText(std::vector<std::string> spellings);

  // One rendering: protects what goes in, then cuts what comes out.
  class Guard {
   public:
    explicit Guard(const SpecialText& owner) : owner_(&owner) {}
    std::string protect(std::string_view text);
    // Calls `cut` for each part of the rendered text in order; `special`: whether spellings in it are tokens.
    void parts(std::string_view rendered, const std::function<void(std::string_view part, bool special)>& cut) const;

   private:
    const SpecialText* owner_;
    std::vector<std::string> taken_;
  };

  bool occurs_in(std::string_view text) const;

 private:
  std::vector<std::string> spellings_;  // longest first
  std::string first_;                   // the bytes that they begin with
};

}  // namespace ebb::engine_llama
