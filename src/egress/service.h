// ebb-egress between its channel and its proxy: frames of wire/egress.proto in, the end of each connection out.
#pragma once

#include "base/fd.h"
#include "io/clock.h"

namespace ebb::egress {

// Until the channel ends, or brings what is no frame of ours. Returns the process's exit status.
int serve(Fd channel, const io::Clock& clock);

}  // namespace ebb::egress
