// One call of the sandbox for each of the instance.
#include "function/sandboxed_instance.h"

namespace ebb::function {

namespace {

class SandboxedInstance final : public Instance {
 public:
  explicit SandboxedInstance(container::Sandbox sandbox) : sandbox_(std::move(sandbox)) {}

  Status run(const container::Program& program) override { return sandbox_.run(program); }
  Result<Fd> connect(uint16_t port) override { return sandbox_.connect(port); }
  void connect_soon(uint16_t port) override { sandbox_.connect_soon(port); }
  Result<Fd> listen(uint16_t port) override { return sandbox_.listen(port); }
  Status signal(int number) override { return sandbox_.signal(number); }
  int events_fd() const override { return sandbox_.events_fd(); }
  std::optional<container::Exited> next_event() override { return sandbox_.next_event(); }
  Fd take_output() override { return sandbox_.take_output(); }
  container::EndOfFunction why_it_ended(const container::Exited& exited) const override { return sandbox_.why_it_ended(exited); }
  Status freeze() override { return sandbox_.freeze(); }
  Status thaw() override { return sandbox_.thaw(); }
  container::SandboxUsage usage() const override { return sandbox_.usage(); }

 private:
  container::Sandbox sandbox_;
};

container::SandboxSpec spec_of(const domain::FunctionStart& start) {
  container::SandboxSpec spec{.id = start.sandbox_id,
                              .root = start.root,
                              .host_id_base = start.host_id_base,
                              .uid = start.uid,
                              .gid = start.gid,
                              .groups = start.groups,
                              .memory_bytes = start.memory_bytes,
                              .tmp_bytes = start.tmp_bytes,
                              .pids_max = start.pids_max,
                              .cpu_millis = start.cpu_millis,
                              .mounts = {},
                              .hostname = start.hostname};
  for (const domain::FunctionMount& mount : start.mounts)
    spec.mounts.push_back({.source = mount.source, .destination = mount.destination});
  return spec;
}

}  // namespace

Result<std::unique_ptr<Instance>> prepare_sandboxed(const domain::FunctionStart& start, const container::Runtime& runtime) {
  Result<container::Sandbox> sandbox = container::Sandbox::prepare(spec_of(start), runtime);
  if (!sandbox) return fail(sandbox.error());
  return std::make_unique<SandboxedInstance>(std::move(*sandbox));
}

}  // namespace ebb::function
