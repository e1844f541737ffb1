// The two rules, each with the way out.
#include "domain/listen_policy.h"

#include <fmt/format.h>

namespace ebb::domain {

Status check_listening(const Listening& wanted) {
  if (!wanted.loopback && !wanted.tls && !wanted.behind_proxy)
    return fail(ErrorKind::kInvalid,
                fmt::format("will not listen on {} without TLS: keys and answers would pass in the clear for everybody on the way. Either of\n"
                            "  ebb serve --listen {} --tls-cert FILE --tls-key FILE      with a certificate\n"
                            "  ebb serve --listen {} --behind-proxy                      where a reverse proxy before it ends TLS\n"
                            "  ssh -L 8390:127.0.0.1:8390 THIS-MACHINE                   there, to reach a server that listens on 127.0.0.1",
                            wanted.host, wanted.host, wanted.host),
                "listen");
  if ((!wanted.loopback || wanted.behind_proxy) && !wanted.administered)
    return fail(
        ErrorKind::kInvalid,
        fmt::format("will not {} without a key: whoever reaches the port would own the server. Make the first key on this machine, with the same home:\n"
                    "  ebb serve\n"
                    "  ebb tenant add us                                         in another terminal\n"
                    "  ebb key create --tenant us --scope admin                  prints the key: keep it\n"
                    "then end that server, and start this one again",
                    wanted.loopback ? "serve behind a proxy" : "listen on " + wanted.host),
        "listen");
  return {};
}

}  // namespace ebb::domain
