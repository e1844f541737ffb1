// The server's certificate for gRPC's listener. Private to grpc_gateway/.
#pragma once

#include <grpcpp/security/server_credentials.h>

#include <memory>

#include "io/tls.h"

namespace ebb::grpc_gateway {

// Each new connection gets the pair that `identity` has then. It must outlive the server, and so must what is returned.
std::shared_ptr<grpc::ServerCredentials> tls_credentials(const io::TlsIdentity& identity);

}  // namespace ebb::grpc_gateway
