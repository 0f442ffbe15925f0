//! Decodes in this process, with what ends it in production turned into what can be caught: an allocation that fails panics,
//! and the reader catches panics. Run it with `ASAN_OPTIONS=allocator_may_return_null=1:max_allocation_size_mb=320`.
#![no_main]
#![feature(alloc_error_hook)]

#[path = "../laws/mod.rs"]
mod laws;

fn init() {
    std::alloc::set_alloc_error_hook(|layout| panic!("out of memory: {} bytes", layout.size()));
    // The fuzzer's own hook takes every panic for a crash, also one that is caught. One that is not still ends the process.
    std::panic::set_hook(Box::new(|_| {}));
}

libfuzzer_sys::fuzz_target!(init: init(), |bytes: &[u8]| laws::law("parquet")(bytes));
