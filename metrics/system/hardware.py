"""Sensors (/sys/class/hwmon, lm-sensors' source) and thermal zones."""

from metrics.model import Counter, Gauge, Metric, Unit

_SENSOR = ("chip", "sensor")
_NO_HWMON = "the machine has no such sensor: usual in virtual machines"
_NO_ZONE = "the machine has no thermal zone: usual in virtual machines"

CHIP_NAMES = Gauge(
    "node_hwmon_chip_names", "Constant 1; the name of a chip that its path does not tell.", Unit.INFO,
    labels=("chip", "chip_name"), absent=_NO_HWMON, compat=True,
)  # fmt: skip
SENSOR_LABEL = Gauge(
    "node_hwmon_sensor_label", "Constant 1; what a sensor measures, in the driver's words.", Unit.INFO,
    labels=("chip", "sensor", "label"), absent=_NO_HWMON, compat=True,
)  # fmt: skip
TEMP_CELSIUS = Gauge("node_hwmon_temp_celsius", "Temperature.", Unit.CELSIUS, labels=_SENSOR, absent=_NO_HWMON, compat=True)
TEMP_MIN_CELSIUS = Gauge(
    "node_hwmon_temp_min_celsius", "Lowest temperature that is fine.", Unit.CELSIUS, labels=_SENSOR, absent=_NO_HWMON, compat=True
)
TEMP_MAX_CELSIUS = Gauge(
    "node_hwmon_temp_max_celsius",
    "Highest temperature that is fine.",
    Unit.CELSIUS,
    labels=_SENSOR,
    absent=_NO_HWMON,
    compat=True,
)
TEMP_MAX_HYST_CELSIUS = Gauge(
    "node_hwmon_temp_max_hyst_celsius", "Temperature below which the alarm of the maximum ends.", Unit.CELSIUS,
    labels=_SENSOR, absent=_NO_HWMON, compat=True,
)  # fmt: skip
TEMP_CRIT_CELSIUS = Gauge(
    "node_hwmon_temp_crit_celsius", "Critical temperature.", Unit.CELSIUS, labels=_SENSOR, absent=_NO_HWMON, compat=True
)
TEMP_CRIT_HYST_CELSIUS = Gauge(
    "node_hwmon_temp_crit_hyst_celsius", "Temperature below which the critical alarm ends.", Unit.CELSIUS,
    labels=_SENSOR, absent=_NO_HWMON, compat=True,
)  # fmt: skip
TEMP_EMERGENCY_CELSIUS = Gauge(
    "node_hwmon_temp_emergency_celsius",
    "Temperature of an emergency.",
    Unit.CELSIUS,
    labels=_SENSOR,
    absent=_NO_HWMON,
    compat=True,
)
TEMP_LCRIT_CELSIUS = Gauge(
    "node_hwmon_temp_lcrit_celsius", "Critical low temperature.", Unit.CELSIUS, labels=_SENSOR, absent=_NO_HWMON, compat=True
)
TEMP_OFFSET_CELSIUS = Gauge(
    "node_hwmon_temp_offset_celsius",
    "Correction added to the temperature.",
    Unit.CELSIUS,
    labels=_SENSOR,
    absent=_NO_HWMON,
    compat=True,
)
TEMP_LOWEST_CELSIUS = Gauge(
    "node_hwmon_temp_lowest_celsius", "Lowest temperature seen.", Unit.CELSIUS, labels=_SENSOR, absent=_NO_HWMON, compat=True
)
TEMP_HIGHEST_CELSIUS = Gauge(
    "node_hwmon_temp_highest_celsius", "Highest temperature seen.", Unit.CELSIUS, labels=_SENSOR, absent=_NO_HWMON, compat=True
)
TEMP_MIN_ALARM_CELSIUS = Gauge(
    "node_hwmon_temp_min_alarm_celsius", "0.001 while it is below its minimum (upstream scales this flag).", Unit.CELSIUS,
    labels=_SENSOR, absent=_NO_HWMON, compat=True,
)  # fmt: skip
TEMP_MAX_ALARM_CELSIUS = Gauge(
    "node_hwmon_temp_max_alarm_celsius", "0.001 while it is above its maximum (upstream scales this flag).", Unit.CELSIUS,
    labels=_SENSOR, absent=_NO_HWMON, compat=True,
)  # fmt: skip
TEMP_CRIT_ALARM_CELSIUS = Gauge(
    "node_hwmon_temp_crit_alarm_celsius", "0.001 while the temperature is critical (upstream scales this flag).", Unit.CELSIUS,
    labels=_SENSOR, absent=_NO_HWMON, compat=True,
)  # fmt: skip
TEMP_ALARM = Gauge(
    "node_hwmon_temp_alarm",
    "1 while the temperature sensor raises its alarm.",
    Unit.BOOL,
    labels=_SENSOR,
    absent=_NO_HWMON,
    compat=True,
)
TEMP_FAULT = Gauge(
    "node_hwmon_temp_fault", "1 while the temperature sensor is broken.", Unit.BOOL, labels=_SENSOR, absent=_NO_HWMON, compat=True
)
TEMP_TYPE = Gauge("node_hwmon_temp_type", "Kind of temperature sensor.", Unit.NONE, labels=_SENSOR, absent=_NO_HWMON, compat=True)
IN_VOLTS = Gauge("node_hwmon_in_volts", "Voltage.", Unit.VOLTS, labels=_SENSOR, absent=_NO_HWMON, compat=True)
IN_MIN_VOLTS = Gauge(
    "node_hwmon_in_min_volts", "Lowest voltage that is fine.", Unit.VOLTS, labels=_SENSOR, absent=_NO_HWMON, compat=True
)
IN_MAX_VOLTS = Gauge(
    "node_hwmon_in_max_volts", "Highest voltage that is fine.", Unit.VOLTS, labels=_SENSOR, absent=_NO_HWMON, compat=True
)
IN_CRIT_VOLTS = Gauge("node_hwmon_in_crit_volts", "Critical voltage.", Unit.VOLTS, labels=_SENSOR, absent=_NO_HWMON, compat=True)
IN_LCRIT_VOLTS = Gauge(
    "node_hwmon_in_lcrit_volts", "Critical low voltage.", Unit.VOLTS, labels=_SENSOR, absent=_NO_HWMON, compat=True
)
IN_AVERAGE_VOLTS = Gauge(
    "node_hwmon_in_average_volts", "Mean voltage.", Unit.VOLTS, labels=_SENSOR, absent=_NO_HWMON, compat=True
)
IN_ALARM = Gauge(
    "node_hwmon_in_alarm",
    "1 while the voltage sensor raises its alarm.",
    Unit.BOOL,
    labels=_SENSOR,
    absent=_NO_HWMON,
    compat=True,
)
FAN_RPM = Gauge("node_hwmon_fan_rpm", "Speed of the fan.", Unit.RPM, labels=_SENSOR, absent=_NO_HWMON, compat=True)
FAN_MIN_RPM = Gauge(
    "node_hwmon_fan_min_rpm", "Lowest speed that is fine.", Unit.RPM, labels=_SENSOR, absent=_NO_HWMON, compat=True
)
FAN_MAX_RPM = Gauge("node_hwmon_fan_max_rpm", "Highest speed.", Unit.RPM, labels=_SENSOR, absent=_NO_HWMON, compat=True)
FAN_TARGET_RPM = Gauge(
    "node_hwmon_fan_target_rpm", "Speed that the fan should have.", Unit.RPM, labels=_SENSOR, absent=_NO_HWMON, compat=True
)
FAN_ALARM = Gauge(
    "node_hwmon_fan_alarm", "1 while the fan raises its alarm.", Unit.BOOL, labels=_SENSOR, absent=_NO_HWMON, compat=True
)
FAN_FAULT = Gauge("node_hwmon_fan_fault", "1 while the fan is broken.", Unit.BOOL, labels=_SENSOR, absent=_NO_HWMON, compat=True)
FAN_PULSES = Gauge("node_hwmon_fan_pulses", "Pulses per rotation.", Unit.COUNT, labels=_SENSOR, absent=_NO_HWMON, compat=True)
FAN_DIV = Gauge("node_hwmon_fan_div", "Divisor of the fan's clock.", Unit.NONE, labels=_SENSOR, absent=_NO_HWMON, compat=True)
CURR_AMPS = Gauge("node_hwmon_curr_amps", "Current.", Unit.AMPERES, labels=_SENSOR, absent=_NO_HWMON, compat=True)
CURR_MIN_AMPS = Gauge(
    "node_hwmon_curr_min_amps", "Lowest current that is fine.", Unit.AMPERES, labels=_SENSOR, absent=_NO_HWMON, compat=True
)
CURR_MAX_AMPS = Gauge(
    "node_hwmon_curr_max_amps", "Highest current that is fine.", Unit.AMPERES, labels=_SENSOR, absent=_NO_HWMON, compat=True
)
CURR_CRIT_AMPS = Gauge(
    "node_hwmon_curr_crit_amps", "Critical current.", Unit.AMPERES, labels=_SENSOR, absent=_NO_HWMON, compat=True
)
CURR_ALARM = Gauge(
    "node_hwmon_curr_alarm",
    "1 while the current sensor raises its alarm.",
    Unit.BOOL,
    labels=_SENSOR,
    absent=_NO_HWMON,
    compat=True,
)
POWER_WATT = Gauge("node_hwmon_power_watt", "Power.", Unit.WATTS, labels=_SENSOR, absent=_NO_HWMON, compat=True)
POWER_AVERAGE_WATT = Gauge(
    "node_hwmon_power_average_watt", "Mean power.", Unit.WATTS, labels=_SENSOR, absent=_NO_HWMON, compat=True
)
POWER_MAX_WATT = Gauge(
    "node_hwmon_power_max_watt", "Highest power that is fine.", Unit.WATTS, labels=_SENSOR, absent=_NO_HWMON, compat=True
)
POWER_CRIT_WATT = Gauge(
    "node_hwmon_power_crit_watt", "Critical power.", Unit.WATTS, labels=_SENSOR, absent=_NO_HWMON, compat=True
)
POWER_CAP_WATT = Gauge(
    "node_hwmon_power_cap_watt", "Power above which the device saves.", Unit.WATTS, labels=_SENSOR, absent=_NO_HWMON, compat=True
)
POWER_ALARM = Gauge(
    "node_hwmon_power_alarm",
    "1 while the power sensor raises its alarm.",
    Unit.BOOL,
    labels=_SENSOR,
    absent=_NO_HWMON,
    compat=True,
)
HUMIDITY = Gauge("node_hwmon_humidity", "Relative humidity.", Unit.RATIO, labels=_SENSOR, absent=_NO_HWMON, compat=True)
PWM = Gauge("node_hwmon_pwm", "Duty of the fan's control, 0 to 255.", Unit.NONE, labels=_SENSOR, absent=_NO_HWMON, compat=True)
PWM_ENABLE = Gauge(
    "node_hwmon_pwm_enable", "How the fan is controlled: 0 full speed, 1 by hand, above by the chip.", Unit.NONE,
    labels=_SENSOR, absent=_NO_HWMON, compat=True,
)  # fmt: skip
PWM_MODE = Gauge(
    "node_hwmon_pwm_mode",
    "Kind of the fan's control: 0 voltage, 1 pulse width.",
    Unit.NONE,
    labels=_SENSOR,
    absent=_NO_HWMON,
    compat=True,
)
INTRUSION_ALARM = Gauge(
    "node_hwmon_intrusion_alarm", "1 after the case was opened.", Unit.BOOL, labels=_SENSOR, absent=_NO_HWMON, compat=True
)
BEEP_ENABLED = Gauge(
    "node_hwmon_beep_enabled", "1 when the chip beeps at an alarm.", Unit.BOOL, labels=_SENSOR, absent=_NO_HWMON, compat=True
)
UPDATE_INTERVAL_SECONDS = Gauge(
    "node_hwmon_update_interval_seconds",
    "How often the chip measures.",
    Unit.SECONDS,
    labels=_SENSOR,
    absent=_NO_HWMON,
    compat=True,
)
ENERGY = Counter(
    "node_hwmon_energy_joule_total", "Energy used, in joules.", Unit.COUNT, labels=_SENSOR, absent=_NO_HWMON, compat=True
)
# A sensor file is found by the name of its metric: type, property and unit make it up.
HWMON: dict[str, Metric] = {value.name: value for value in list(vars().values()) if isinstance(value, Counter | Gauge)}

ZONE_TEMP = Gauge(
    "node_thermal_zone_temp",
    "Temperature of a thermal zone.",
    Unit.CELSIUS,
    labels=("zone", "type"),
    absent=_NO_ZONE,
    compat=True,
)
COOLING_STATE = Gauge(
    "node_cooling_device_cur_state", "How hard a cooling device works, 0 to its maximum.", Unit.NONE,
    labels=("name", "type"), absent=_NO_ZONE, compat=True,
)  # fmt: skip
COOLING_MAX = Gauge(
    "node_cooling_device_max_state",
    "The hardest a cooling device can work.",
    Unit.NONE,
    labels=("name", "type"),
    absent=_NO_ZONE,
    compat=True,
)

METRICS = tuple(value for value in vars().values() if isinstance(value, Counter | Gauge))
