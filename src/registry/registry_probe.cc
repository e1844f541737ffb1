// One request by libcurl, its body thrown away.
#include "registry/registry_probe.h"

#include <curl/curl.h>
#include <fmt/format.h>

#include <memory>
#include <string>

namespace ebb::registry {

namespace {

constexpr size_t kHeaderBytesMax = 64 * 1024;

struct CurlFree {
  void operator()(CURL* curl) const { curl_easy_cleanup(curl); }
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};

struct Heads {
  std::vector<Challenge> challenges;
  size_t bytes = 0;
};

size_t on_header(char* bytes, size_t size, size_t count, void* user) {
  auto& heads = *static_cast<Heads*>(user);
  heads.bytes += size * count;
  if (heads.bytes > kHeaderBytesMax) return 0;
  constexpr std::string_view kName = "www-authenticate:";
  std::string_view line(bytes, size * count);
  while (line.ends_with('\n') || line.ends_with('\r'))
    line.remove_suffix(1);
  std::string name(line.substr(0, kName.size()));
  for (char& c : name)
    c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  if (name != kName) return size * count;
  for (Challenge& challenge : parse_challenges(line.substr(kName.size())))
    heads.challenges.push_back(std::move(challenge));
  return size * count;
}

size_t on_body(char* /*bytes*/, size_t size, size_t count, void* /*user*/) { return size * count; }

}  // namespace

Result<LoginUse> probe_registry(const RegistryImage& image, std::string_view token_server) {
  const std::unique_ptr<CURL, CurlFree> curl(curl_easy_init());
  if (!curl) return fail(ErrorKind::kExhausted, "memory is out");
  const std::string address = fmt::format("{}://{}/v2/{}/manifests/{}", image.host.loopback ? "http" : "https", image.host.text, image.name,
                                          image.digest ? "sha256:" + image.digest->hex() : image.tag);
  const std::unique_ptr<curl_slist, CurlFree> headers(
      curl_slist_append(nullptr,
                        "Accept: application/vnd.oci.image.manifest.v1+json, application/vnd.oci.image.index.v1+json, "
                        "application/vnd.docker.distribution.manifest.v2+json, application/vnd.docker.distribution.manifest.list.v2+json"));
  Heads heads;
  curl_easy_setopt(curl.get(), CURLOPT_URL, address.c_str());
  curl_easy_setopt(curl.get(), CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(curl.get(), CURLOPT_FOLLOWLOCATION, 0L);
  curl_easy_setopt(curl.get(), CURLOPT_PROXY, "");
  curl_easy_setopt(curl.get(), CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl.get(), CURLOPT_CONNECTTIMEOUT, 15L);
  curl_easy_setopt(curl.get(), CURLOPT_TIMEOUT, 30L);
  curl_easy_setopt(curl.get(), CURLOPT_MAXFILESIZE, 8L << 20U);
  curl_easy_setopt(curl.get(), CURLOPT_USERAGENT, "ebb-fetch");
  curl_easy_setopt(curl.get(), CURLOPT_HTTPHEADER, headers.get());
  curl_easy_setopt(curl.get(), CURLOPT_HEADERFUNCTION, &on_header);
  curl_easy_setopt(curl.get(), CURLOPT_HEADERDATA, &heads);
  curl_easy_setopt(curl.get(), CURLOPT_WRITEFUNCTION, &on_body);
  const CURLcode code = curl_easy_perform(curl.get());
  if (code != CURLE_OK)
    return fail(ErrorKind::kUnavailable, fmt::format("the registry {} cannot be reached: {}", image.host.text, curl_easy_strerror(code)), "source");
  long status = 0;
  curl_easy_getinfo(curl.get(), CURLINFO_RESPONSE_CODE, &status);
  return judge_challenges(image.host, static_cast<int>(status), heads.challenges, token_server);
}

}  // namespace ebb::registry
