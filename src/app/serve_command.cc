// Flags over the settings file over defaults.
#include "app/serve_command.h"

#include <CLI/CLI.hpp>
#include <memory>

#include "app/serve.h"
#include "domain/limits.h"
#include "io/files.h"
#include "wire/quantity.h"

namespace ebb::app {

namespace {

// What was said on the command line; absent: the file's, or the default.
struct Flags {
  std::string home;
  std::optional<std::string> listen;
  std::optional<int> port;
  std::optional<int> grpc_port;
  std::string tls_cert;
  std::string tls_key;
  bool behind_proxy = false;
  std::optional<std::string> memory;
  std::optional<int> cores;
  bool require_sandbox = false;
  bool log_json = false;
  bool log_debug = false;
  std::string port_file;
};

Result<ServeOptions> options_of(const Flags& flags) {
  ServeOptions options;
  options.home = flags.home.empty() ? default_home() : std::filesystem::absolute(flags.home);
  const std::filesystem::path settings = options.home / "ebb.yaml";
  const Result<std::string> text = io::read_small_file(settings, domain::kSpecBytesMax);
  if (!text && text.error().kind != ErrorKind::kNotFound) return fail(text.error());
  if (Status applied = apply_settings(text.value_or(""), options); !applied) return fail(applied.error().with_context(settings.string()));
  if (flags.listen) options.listen = *flags.listen;
  if (flags.port) options.port = static_cast<uint16_t>(*flags.port);
  if (flags.grpc_port) options.grpc_port = static_cast<uint16_t>(*flags.grpc_port);
  if (flags.tls_cert.empty() != flags.tls_key.empty())
    return fail(ErrorKind::kInvalid, "--tls-cert and --tls-key belong together: a certificate's file and that of its key");
  if (!flags.tls_cert.empty()) {
    options.tls_cert = std::filesystem::absolute(flags.tls_cert);
    options.tls_key = std::filesystem::absolute(flags.tls_key);
  }
  if (flags.behind_proxy) options.behind_proxy = true;
  if (flags.cores) options.cores = flags.cores;
  if (flags.memory) {
    const Result<uint64_t> bytes = wire::parse_size(*flags.memory);
    if (!bytes) return fail(bytes.error().with_context("--memory"));
    options.memory_mib = static_cast<int64_t>(*bytes >> 20U);
  }
  options.require_sandbox = flags.require_sandbox;
  options.log_json = flags.log_json;
  options.log_debug = flags.log_debug;
  options.port_file = flags.port_file;
  return options;
}

}  // namespace

void add_serve(CLI::App& app, cli::Context& context) {
  auto flags = std::make_shared<Flags>();
  CLI::App* serve_app = app.add_subcommand("serve", "Run the server on this machine, until Ctrl-C.");
  serve_app->add_option("--home", flags->home, "Folder for models, endpoints and bills (default: $EBB_HOME, else ~/.local/share/ebb)")->type_name("PATH");
  serve_app->add_option("--listen", flags->listen, "Address to listen on (default 127.0.0.1); others than loopback need keys, and TLS or --behind-proxy")
      ->type_name("ADDRESS");
  serve_app->add_option("--port", flags->port, "Port to listen on, 0 for any free one (default 8390)")->check(CLI::Range(0, 65535))->type_name("N");
  serve_app->add_option("--grpc-port", flags->grpc_port, "Port of the inference protocol over gRPC, 0 for any free one (default: gRPC is off)")
      ->check(CLI::Range(0, 65535))
      ->type_name("N");
  serve_app->add_option("--tls-cert", flags->tls_cert, "Speak TLS: file with the certificate in PEM, and those between it and its root")->type_name("FILE");
  serve_app->add_option("--tls-key", flags->tls_key, "File with its key, without a passphrase; both are read anew when they change, and at SIGHUP")
      ->type_name("FILE");
  serve_app->add_flag("--behind-proxy", flags->behind_proxy, "A reverse proxy ends TLS before this server, which speaks plain HTTP with it; needs keys");
  serve_app->add_option("--memory", flags->memory, "Memory for workers, such as 8GiB (default: nine tenths of the machine's)")->type_name("SIZE");
  serve_app->add_option("--cores", flags->cores, "Cores for engines (default: all)")->check(CLI::Range(1, 4096))->type_name("N");
  serve_app->add_flag("--require-sandbox", flags->require_sandbox, "Refuse to start where a layer of confinement is missing");
  serve_app->add_flag("--log-json", flags->log_json, "Log lines as JSON, also on a terminal");
  serve_app->add_flag("--log-debug", flags->log_debug, "Log more");
  serve_app->add_option("--port-file", flags->port_file, "Write the port into this file once the server listens")->type_name("FILE");
  serve_app->footer(
      "Example:\n  ebb serve --home ./ebb-home --port 8390\n\nSettings can also stand in <home>/ebb.yaml: listen, port, grpc_port, tls, behind_proxy,\nmemory, "
      "cores, prices.");
  serve_app->callback([flags, &context] {
    context.action = [flags, &context]() -> int {
      Result<ServeOptions> options = options_of(*flags);
      if (!options) {
        cli::report(context, options.error());
        return cli::kExitUsage;
      }
      const Status served = serve(std::move(*options), context.version);
      return served ? cli::kExitOk : cli::report(context, served.error());
    };
  });
}

}  // namespace ebb::app
